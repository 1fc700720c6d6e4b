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

-- Money that has moved or may have: one row for each payment, in by its invoice, out by its invoice and its intention.
-- Of what goes out, a pending row reserves its amount and the highest fee; the limits are checked as it is written.
CREATE TABLE payments (
    hash         BLOB    NOT NULL CHECK (length(hash) = 32),
    direction    TEXT    NOT NULL CHECK (direction IN ('in', 'out')),
    purpose      TEXT    NOT NULL CHECK (purpose IN ('job', 'refund', 'request', 'manual')),
    job          BLOB    REFERENCES jobs (id),                -- what was earned, or is given back
    request      BLOB    CHECK (length(request) = 32),        -- what was bought
    payee        BLOB    CHECK (length(payee) = 32),          -- the provider who is paid
    idempotency  BLOB    UNIQUE CHECK (length(idempotency) = 16), -- NULL: what comes in needs none
    amount_msats INTEGER NOT NULL CHECK (amount_msats > 0),
    fee_msats    INTEGER NOT NULL DEFAULT 0 CHECK (fee_msats >= 0),
    bolt11       TEXT    NOT NULL,
    state        TEXT    NOT NULL CHECK (state IN ('pending', 'settled', 'failed')),
    reason       TEXT,
    created_at   INTEGER NOT NULL,
    ended_at     INTEGER,
    PRIMARY KEY (hash, direction),
    CHECK ((purpose IN ('job', 'refund')) = (job IS NOT NULL)),
    CHECK ((purpose = 'request') = (request IS NOT NULL))
) STRICT, WITHOUT ROWID;
CREATE INDEX payments_by_job ON payments (job) WHERE job IS NOT NULL;
CREATE INDEX payments_by_time ON payments (direction, created_at);
-- At most one refund of a job and one payment for a request, unless it has failed.
CREATE UNIQUE INDEX one_refund ON payments (job) WHERE direction = 'out' AND state <> 'failed';
CREATE UNIQUE INDEX one_purchase ON payments (request) WHERE direction = 'out' AND state <> 'failed';
