set local search_path = tieout;
-- Requests that carry an Idempotency-Key: what was asked under it, and what was answered. Gone after a day.

-- status null: under way since begun_at. fingerprint: of method, path and body.
create table idempotency_key (
    principal_id uuid not null,
    key          text not null,
    fingerprint  bytea not null,
    begun_at     timestamptz not null,
    status       smallint,
    content_type text,
    body         bytea,
    primary key (principal_id, key)
);
create index idempotency_key_begun on idempotency_key (begun_at);

select guard_rows('idempotency_key', $$ principal_id::text = (select current_setting('tieout.principal', true)) $$);
select let_doors('idempotency_key', 'insert', 'update', 'delete');
