-- What is kept has a bound: relays' outcomes, and texts on both sides.

-- One line for each event and relay, however often it was sent: that it was taken, or what was said last.
DELETE FROM publications WHERE rowid NOT IN (SELECT rowid FROM (
    SELECT rowid, row_number() OVER (PARTITION BY job, event_id, relay ORDER BY refusal IS NULL DESC, rowid DESC) AS place
    FROM publications) WHERE place = 1);
CREATE UNIQUE INDEX publications_once ON publications (job, event_id, relay);
DROP INDEX publications_by_job;
CREATE INDEX publications_by_time ON publications (at);

-- The signed answer holds the text as well, and outlived it.
UPDATE results SET event = NULL WHERE text IS NULL AND event IS NOT NULL
    AND job IN (SELECT id FROM jobs WHERE ended_at IS NOT NULL);
-- Requests of our own whose text is still to be forgotten. One without its event has lost it.
CREATE INDEX requests_with_text ON requests (ended_at) WHERE event <> '';
