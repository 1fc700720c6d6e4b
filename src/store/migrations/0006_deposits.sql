-- What sends a deposit back on the chain is no payment the wallet could be asked for by its hash: whether it went out is
-- read from what has become of the deposit.

ALTER TABLE payments ADD COLUMN deposit TEXT;        -- TRANSACTION:OUTPUT that is sent back; NULL: a payment like any other
ALTER TABLE payments ADD COLUMN refund_before TEXT;  -- the transaction that sent it back already when this was begun
