-- What sends a deposit back on the chain is no payment the wallet could be asked for by its hash: whether it went out is
-- read from what has become of the deposit.

ALTER TABLE payments ADD COLUMN deposit TEXT;        -- TRANSACTION:OUTPUT that is sent back; NULL: a payment like any other
ALTER TABLE payments ADD COLUMN refund_before TEXT;  -- the transaction that sent it back already when this was begun

-- Refunds from before: they alone begin their key as their hash begins. Of which deposit nobody has written down, so it is one
-- that no wallet lists; it counts for a day and is taken to have gone.
UPDATE payments SET deposit = '' WHERE direction = 'out' AND purpose = 'manual' AND idempotency = substr(hash, 1, 16);

-- How long the machine had been up when the last PIN was tried, in milliseconds: a clock can be set, that cannot.
ALTER TABLE spend_lock ADD COLUMN tried_up INTEGER CHECK (tried_up >= 0);
