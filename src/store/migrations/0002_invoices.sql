-- What jobs are paid with. Amounts in integer msats.

-- The invoice of a job: one at most. Stored before it is published; an invoice that is not here was never sent.
CREATE TABLE invoices (
    hash         BLOB    NOT NULL PRIMARY KEY CHECK (length(hash) = 32), -- the payment hash
    job          BLOB    NOT NULL UNIQUE REFERENCES jobs (id),
    bolt11       TEXT    NOT NULL,
    amount_msats INTEGER NOT NULL CHECK (amount_msats > 0),
    created_at   INTEGER NOT NULL,
    expires_at   INTEGER NOT NULL,
    settled_at   INTEGER -- by the wallet's own record; NULL: not paid
) STRICT;
CREATE INDEX invoices_open ON invoices (expires_at) WHERE settled_at IS NULL;

-- Money that has moved or may have: one row for each payment, in by its invoice, out by its idempotency key.
CREATE TABLE payments (
    hash         BLOB    NOT NULL CHECK (length(hash) = 32),
    direction    TEXT    NOT NULL CHECK (direction IN ('in', 'out')),
    purpose      TEXT    NOT NULL CHECK (purpose IN ('job', 'refund')),
    job          BLOB    NOT NULL REFERENCES jobs (id),
    idempotency  BLOB    UNIQUE CHECK (length(idempotency) = 16), -- NULL: what comes in needs none
    amount_msats INTEGER NOT NULL CHECK (amount_msats > 0),
    fee_msats    INTEGER NOT NULL DEFAULT 0 CHECK (fee_msats >= 0),
    bolt11       TEXT    NOT NULL,
    state        TEXT    NOT NULL CHECK (state IN ('pending', 'settled', 'failed')),
    reason       TEXT,
    created_at   INTEGER NOT NULL,
    ended_at     INTEGER,
    PRIMARY KEY (hash, direction)
) STRICT, WITHOUT ROWID;
CREATE INDEX payments_by_job ON payments (job);
-- At most one refund of a job that has not failed.
CREATE UNIQUE INDEX one_refund ON payments (job) WHERE direction = 'out' AND state <> 'failed';
