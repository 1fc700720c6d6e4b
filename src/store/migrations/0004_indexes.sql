-- What is needed to do each step in the same time, however much the ledger holds.

-- What has gone out, by the minute in which it was begun (minutes since 1970) and by who was paid: the limits of a day are
-- checked before every payment, and a day may hold a great many. An empty payee: all of them together.
CREATE TABLE outflow (
    payee  BLOB    NOT NULL CHECK (length(payee) IN (0, 32)),
    minute INTEGER NOT NULL,
    msats  INTEGER NOT NULL CHECK (msats > 0), -- with fees
    PRIMARY KEY (payee, minute)
) STRICT, WITHOUT ROWID;
INSERT INTO outflow SELECT x'', created_at / 60000, sum(amount_msats + fee_msats) FROM payments
    WHERE direction = 'out' AND state = 'settled' GROUP BY 2;
INSERT INTO outflow SELECT payee, created_at / 60000, sum(amount_msats + fee_msats) FROM payments
    WHERE direction = 'out' AND state = 'settled' AND payee IS NOT NULL GROUP BY 1, 2;

-- What is under way, and what may still turn out otherwise: few, among many.
CREATE INDEX payments_pending ON payments (created_at) WHERE direction = 'out' AND state = 'pending';
CREATE INDEX payments_failed ON payments (ended_at) WHERE direction = 'out' AND state = 'failed';
-- What was paid for a request, whatever became of it.
CREATE INDEX payments_by_request ON payments (request) WHERE request IS NOT NULL;
-- Whose text is still to be forgotten.
CREATE INDEX jobs_with_text ON jobs (ended_at) WHERE prompt IS NOT NULL OR request IS NOT NULL;
