-- The buyer's ledger: what was asked, who offered, what came of it. Amounts in integer msats.

CREATE TABLE requests (
    id          BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 32), -- the request's event id, whole
    created_at  INTEGER NOT NULL,
    updated_at  INTEGER NOT NULL,
    expires_at  INTEGER NOT NULL, -- until then an offer or an answer is waited for
    state       TEXT    NOT NULL CHECK (state IN ('drafted', 'published', 'paying', 'paid', 'answered', 'done', 'expired', 'cancelled',
                    'failed')),
    kind        INTEGER NOT NULL CHECK (kind BETWEEN 5000 AND 5999),
    scheme      TEXT    NOT NULL CHECK (scheme IN ('plain', 'nip04', 'nip44')),
    target      BLOB    CHECK (length(target) = 32),  -- who was asked; NULL: anybody
    model       TEXT,
    prompt      TEXT    NOT NULL,
    bid_msats   INTEGER CHECK (bid_msats >= 0),
    auto_pay    TEXT    NOT NULL CHECK (auto_pay IN ('ask', 'cheapest', 'first')),
    secret      BLOB    CHECK (length(secret) = 32),  -- the key this request alone is signed with; NULL: our own
    event       TEXT    NOT NULL,                     -- the signed request, as it is published
    provider    BLOB    CHECK (length(provider) = 32), -- who is paid, or has answered
    answer      TEXT,
    answer_id   BLOB    CHECK (length(answer_id) = 32), -- the answer's event
    answered_at INTEGER,
    reason_code TEXT,
    reason      TEXT,
    ended_at    INTEGER
) STRICT;
CREATE INDEX requests_by_time ON requests (created_at, id);
CREATE INDEX requests_open ON requests (state, created_at) WHERE state NOT IN ('done', 'expired', 'cancelled');

-- Every change of every request, in order. Replaying it gives the request's state.
CREATE TABLE request_journal (
    request    BLOB    NOT NULL REFERENCES requests (id),
    seq        INTEGER NOT NULL CHECK (seq >= 0),
    at         INTEGER NOT NULL,
    fact       TEXT,             -- NULL for the draft itself
    from_state TEXT,
    to_state   TEXT    NOT NULL,
    PRIMARY KEY (request, seq)
) STRICT, WITHOUT ROWID;

-- What providers ask, with what is wrong about it. One row for each invoice a provider sends, however often it comes.
CREATE TABLE offers (
    request      BLOB    NOT NULL REFERENCES requests (id),
    provider     BLOB    NOT NULL CHECK (length(provider) = 32),
    bolt11       TEXT    NOT NULL, -- as it came; empty where there was none
    hash         BLOB    CHECK (length(hash) = 32),
    claimed_msats INTEGER NOT NULL CHECK (claimed_msats >= 0), -- the `amount` tag
    asked_msats  INTEGER CHECK (asked_msats >= 0),             -- the invoice
    expires_at   INTEGER,
    flaw         TEXT,             -- NULL: it could be paid
    detail       TEXT,
    at           INTEGER NOT NULL,
    PRIMARY KEY (request, provider, bolt11)
) STRICT, WITHOUT ROWID;
CREATE INDEX offers_by_hash ON offers (hash) WHERE hash IS NOT NULL;
CREATE INDEX offers_that_lied ON offers (provider) WHERE flaw = 'other-amount';
