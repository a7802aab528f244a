set local search_path = tieout;
-- Secrets that the firm directory names as store:NAME, encrypted. governance.secret_store is the only writer; the key
-- that the data keys are wrapped with is never in this database. Doors have no right to it: it has no policy.

-- version counts up for a name and is never given twice. sealed: the secret under a data key of its own; wrapped_key: that
-- data key under the master key. Both begin with their nonce. Of a version that was removed only the numbers remain.
create table stored_secret (
    name          text not null,
    version       integer not null,
    made_at       timestamptz not null,
    made_by       text not null,
    master_key_id text,
    wrapped_key   bytea,
    sealed        bytea,
    removed_at    timestamptz,
    primary key (name, version),
    check ((removed_at is null) = (sealed is not null)),
    check ((sealed is null) = (wrapped_key is null) and (sealed is null) = (master_key_id is null))
);
create index stored_secret_master_key on stored_secret (master_key_id) where master_key_id is not null;
