set local search_path = tieout;
-- Records that a target holds otherwise than it acknowledged, or no longer.

-- One row per record that was ever found so; drift: what was found last (outbound.drift.comparison.Drift), null once a
-- sweep found it equal again. accepted: fingerprint of a difference that a person accepted. resent: how often it was sent
-- again, which the key of the next sending counts on from.
create table target_drift (
    drift_id  bigint generated always as identity primary key,
    system    text not null,
    record    text not null,
    key       text not null,
    drift     jsonb,
    accepted  text,
    resent    integer not null default 0,
    found_at  timestamptz not null,
    unique (system, record, key)
);
select seal_table('target_drift');

-- A sweep asks for the last word on every master; most deliveries are journals.
create index delivery_master on delivery (system, command_kind, order_key, delivery_id desc)
    where command_kind <> 'post_journal';
