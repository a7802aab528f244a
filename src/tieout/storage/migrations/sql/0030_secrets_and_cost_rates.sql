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

-- What people are paid is seen by doors only with the scope costs:read for every legal entity that the request sees. The
-- setting tieout.costs names those for which it is held, as tieout.entities does; unset none.
create function sees_costs() returns boolean language sql stable as $$
    select coalesce(current_setting('tieout.costs', true), '') = '*'
        or (coalesce(current_setting('tieout.costs', true), '') <> '' and not sees_all()
            and seen_codes() <@ string_to_array(current_setting('tieout.costs', true), ','))
$$;

-- Restrictive: it takes away from what the policy of the legal entities shows, and never adds.
create policy costs on golden_record as restrictive for select
    using (type <> 'cost_rate' or (select tieout.sees_costs()));
create policy costs on reported_record as restrictive for select
    using (type <> 'cost_rate' or (select tieout.sees_costs()));
create policy costs on golden_record_version as restrictive for select
    using ((select tieout.sees_costs())
           or exists (select from tieout.golden_record as owning
                       where owning.record_id = golden_record_version.record_id));
create policy costs on rate_line as restrictive for select
    using (context <> 'cost' or (select tieout.sees_costs()));
