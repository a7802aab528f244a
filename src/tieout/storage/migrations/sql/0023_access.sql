set local search_path = tieout;
-- Who may do what, and which rows the doors see.

-- Persons sign in (email is how an administrator names them), programs call, the machine is the hub itself.
create table principal (
    principal_id uuid primary key,
    kind         text not null check (kind in ('person', 'program', 'machine')),
    name         text not null,
    email        text,
    created_at   timestamptz not null,
    created_by   text not null,
    disabled_at  timestamptz,
    check ((kind = 'person') = (email is not null))
);
create unique index principal_email on principal (lower(email));

-- A role of a person or a scope of a program, for one legal entity (its code) or for all (null). Codes with a comma or a
-- star would read as something else in the setting tieout.entities. A grant holds from its row until the earliest of
-- valid_until and revoked_at.
create table role_grant (
    grant_id     uuid primary key,
    principal_id uuid not null references principal,
    role         text,
    scope        text,
    entity       text check (entity <> '' and entity !~ '[,*]'),
    granted_by   text not null,
    granted_at   timestamptz not null,
    reason       text not null,
    valid_until  timestamptz,
    revoked_by   text,
    revoked_at   timestamptz,
    check (num_nonnulls(role, scope) = 1),
    check ((revoked_by is null) = (revoked_at is null))
);
create index role_grant_principal on role_grant (principal_id);

-- Credentials of a program: the present secret and, while it is being replaced, the next one. Digests only.
create table api_client (
    client_id           text primary key,
    principal_id        uuid not null unique references principal,
    digest              bytea not null,
    next_digest         bytea,
    secret_created_at   timestamptz not null,
    next_created_at     timestamptz,
    revoked_at          timestamptz
);

-- A session of the console by the digest of the cookie's value.
create table web_session (
    digest       bytea primary key,
    principal_id uuid not null references principal,
    began_at     timestamptz not null,
    ends_at      timestamptz not null,
    last_seen_at timestamptz not null,
    means        text not null check (means in ('link', 'oidc')),
    ended_at     timestamptz
);
create index web_session_principal on web_session (principal_id) where ended_at is null;

create table sign_in_link (
    digest       bytea primary key,
    principal_id uuid not null references principal,
    created_by   text not null,
    created_at   timestamptz not null,
    expires_at   timestamptz not null,
    used_at      timestamptz
);

-- When a right was last used, to the quarter of an hour.
create table access_use (
    principal_id uuid not null,
    scope        text not null,
    last_used_at timestamptz not null,
    primary key (principal_id, scope)
);

-- The keys of programs that hand in time are principals too; the system that a key speaks for decides what it may send.
insert into principal (principal_id, kind, name, created_at, created_by)
select key_id, 'program', name, created_at, 'tieout key' from api_key;
insert into role_grant (grant_id, principal_id, scope, granted_by, granted_at, reason, revoked_by, revoked_at)
select key_id, key_id, 'time:submit', 'tieout key', created_at, 'a key to hand in time',
       case when revoked_at is not null then 'tieout key' end, revoked_at
  from api_key;
select seal_table(name::regclass) from unnest(array['principal', 'role_grant', 'api_client']) as name;

-- The setting tieout.entities says what a transaction of a door sees: '*' everything, else the codes of legal entities
-- with commas between; unset nothing. Functions that look things up do so as their owner, who sees everything, and are
-- asked once per statement.
create function sees_all() returns boolean language sql stable as $$
    select coalesce(current_setting('tieout.entities', true), '') = '*'
$$;

create function sees_some() returns boolean language sql stable as $$
    select coalesce(current_setting('tieout.entities', true), '') <> ''
$$;

create function seen_codes() returns text[] language sql stable as $$
    select string_to_array(coalesce(current_setting('tieout.entities', true), ''), ',')
$$;

create function seen_entities() returns integer[] language sql stable security definer set search_path = tieout, pg_temp
as $$
    select coalesce(array_agg(record_id), '{}') from golden_record
     where type = 'legal_entity' and code = any(seen_codes())
$$;

-- What systems call legal entities, by mappings/legal_entities.csv of the version that holds.
create table entity_word (
    system      text not null,
    word        text not null,
    code        text not null,
    valid_from  date not null,
    valid_to    date
);

create function take_entity_words(config bytea) returns void language sql set search_path = tieout, pg_temp as $$
    delete from entity_word;
    insert into entity_word (system, word, code, valid_from, valid_to)
    select line ->> 'system', line ->> 'source', line ->> 'target', (line ->> 'valid_from')::date,
           (line ->> 'valid_to')::date
      from jsonb_array_elements(convert_from(config, 'UTF8')::jsonb -> 'mappings') as line
     where line ->> 'table' = 'legal_entities' and line ->> 'entity' = '*';
$$;

create function follow_firm_version() returns trigger language plpgsql as $$
begin
    perform tieout.take_entity_words(new.config);
    return null;
end
$$;
create trigger entity_words after insert on firm_version for each row execute function follow_firm_version();
select take_entity_words(config) from firm_version order by version desc limit 1;

-- The legal entity that a system means by a word: as records.fact_building resolves it.
create function entity_of_word(said_by text, said text) returns integer language plpgsql stable
    security definer set search_path = tieout, pg_temp as $$
declare
    meant text;
begin
    select min(w.code) into meant
      from entity_word w
     where w.word = said and w.system in (said_by, '*')
       and w.valid_from <= current_date and (w.valid_to is null or current_date < w.valid_to)
       and (w.system <> '*' or not exists (
            select from entity_word s
             where s.word = said and s.system = said_by
               and s.valid_from <= current_date and (s.valid_to is null or current_date < s.valid_to)))
    having count(distinct w.code) = 1;
    if meant is not null then
        return (select record_id from golden_record where type = 'legal_entity' and code = meant);
    end if;
    return (select record_id from cross_reference
             where type = 'legal_entity' and system = said_by and source_id = said);
end
$$;

-- Every system's word for a legal entity that is seen, as system and word with a unit separator between.
create function seen_words() returns text[] language sql stable security definer set search_path = tieout, pg_temp as $$
    with said as (
        select s.name as system, w.word from entity_word w join system_name s on w.system in (s.name, '*')
        union
        select system, source_id from cross_reference where type = 'legal_entity'
    )
    select coalesce(array_agg(system || chr(31) || word), '{}') from said
     where entity_of_word(system, word) = any(seen_entities())
$$;

-- What systems call the records of one type that are seen, as system and key with a unit separator between. A rate card
-- that names no legal entity is the firm's.
create function seen_keys(kind text) returns setof text language sql stable security definer
set search_path = tieout, pg_temp as $$
    with words as materialized (select seen_words() as seen)
    select x.system || chr(31) || x.source_id
      from cross_reference x join golden_record g using (record_id) cross join words
     where x.type = kind
       and case when g.refs -> 'legal_entity' ->> 1 is null then kind = 'rate_card' and sees_some()
                else (g.refs -> 'legal_entity' ->> 0) || chr(31) || (g.refs -> 'legal_entity' ->> 1) = any(words.seen) end
$$;

-- How a table guards its rows; every table of this schema calls one of these, or no door reads it (storage.roles).
create function guard_rows(guarded regclass, seen text) returns void language plpgsql as $$
begin
    execute format('alter table %s enable row level security', guarded);
    execute format('alter table %s force row level security', guarded);
    execute format('create policy seen on %s using (%s)', guarded, seen);
end
$$;

-- Rows that name their legal entity by id.
create function guard_rows_by_entity(guarded regclass, of_entity text default 'entity_id') returns void language sql as $$
    select tieout.guard_rows(guarded, format(
        '(select tieout.sees_all()) or %I = any ((select tieout.seen_entities())::integer[])', of_entity))
$$;

-- Rows that name their legal entity by code.
create function guard_rows_by_code(guarded regclass, of_entity text default 'entity') returns void language sql as $$
    select tieout.guard_rows(guarded, format(
        '(select tieout.sees_all()) or %I = any ((select tieout.seen_codes())::text[])', of_entity))
$$;

-- Rows that belong to a row of another table: seen where that is seen.
create function guard_rows_through(guarded regclass, owner_table regclass, link text) returns void language sql as $$
    select tieout.guard_rows(guarded, format(
        '(select tieout.sees_all()) or exists (select from %s as owning where owning.%I = %s.%I)',
        (select format('tieout.%I', relname) from pg_class where oid = owner_table), link,
        (select quote_ident(relname) from pg_class where oid = guarded), link))
$$;

-- Rows of several legal entities at once, or of none that is known: seen by whoever sees all.
create function guard_rows_of_all(guarded regclass) returns void language sql as $$
    select tieout.guard_rows(guarded, '(select tieout.sees_all())')
$$;

-- Rows of the firm that concern nobody's entity by nature: seen by whoever sees any entity.
create function guard_rows_of_firm(guarded regclass) returns void language sql as $$
    select tieout.guard_rows(guarded, '(select tieout.sees_some())')
$$;

-- Rows that a door needs before it knows who asks, and the hub's own state.
create function leave_rows_open(guarded regclass) returns void language sql as $$
    select tieout.guard_rows(guarded, 'true')
$$;

-- What a door may do with a table beside reading what its policy shows; granted by storage.roles.
create table door_right (
    table_name text primary key,
    rights     text[] not null
);

create function let_doors(guarded regclass, variadic rights text[]) returns void language sql as $$
    insert into tieout.door_right (table_name, rights)
    select relname, rights from pg_class where oid = guarded
    on conflict (table_name) do update set rights = excluded.rights
$$;

select guard_rows_by_entity(name::regclass)
  from unnest(array['time_entry', 'actual', 'batch_total', 'desk_item', 'delivery', 'provisioning', 'won_deal',
                    'plan_person', 'plan_project', 'payroll_file']) as name;

select guard_rows('golden_record', $$
    (select tieout.sees_all()) or case
        when type = 'legal_entity' then record_id = any ((select tieout.seen_entities())::integer[])
        when refs -> 'legal_entity' ->> 1 is not null then
            (refs -> 'legal_entity' ->> 0) || chr(31) || (refs -> 'legal_entity' ->> 1)
            = any ((select tieout.seen_words())::text[])
        when type in ('client', 'role', 'skill', 'fx_rate', 'rate_card', 'org_unit', 'holiday') then
            (select tieout.sees_some())
        when type in ('task', 'demand') then
            (refs -> 'project' ->> 0) || chr(31) || (refs -> 'project' ->> 1) in (select tieout.seen_keys('project'))
        when type = 'deal_line' then
            (refs -> 'deal' ->> 0) || chr(31) || (refs -> 'deal' ->> 1) in (select tieout.seen_keys('deal'))
        when type = 'contract_line' then
            (refs -> 'contract' ->> 0) || chr(31) || (refs -> 'contract' ->> 1) in (select tieout.seen_keys('contract'))
        when type in ('cost_rate', 'resource_skill') then
            (refs -> 'resource' ->> 0) || chr(31) || (refs -> 'resource' ->> 1) in (select tieout.seen_keys('resource'))
        when type = 'rate_line' and refs -> 'project' ->> 1 is not null then
            (refs -> 'project' ->> 0) || chr(31) || (refs -> 'project' ->> 1) in (select tieout.seen_keys('project'))
        when type = 'rate_line' and refs -> 'resource' ->> 1 is not null then
            (refs -> 'resource' ->> 0) || chr(31) || (refs -> 'resource' ->> 1) in (select tieout.seen_keys('resource'))
        when type = 'rate_line' and refs -> 'rate_card' ->> 1 is not null then
            (refs -> 'rate_card' ->> 0) || chr(31) || (refs -> 'rate_card' ->> 1) in (select tieout.seen_keys('rate_card'))
        else false
    end
$$);
select guard_rows_through('golden_record_version', 'golden_record', 'record_id');
select guard_rows_through('cross_reference', 'golden_record', 'record_id');
select guard_rows('reported_record', $$
    (select tieout.sees_all()) or exists (
        select from tieout.cross_reference as owning
         where owning.system = reported_record.system and owning.type = reported_record.type
           and owning.source_id = reported_record.source_id)
$$);
select guard_rows('event_log', $$
    (select tieout.sees_all()) or exists (
        select from tieout.golden_record as owning where owning.record_id = (event_log.payload ->> 'record_id')::integer)
$$);

select guard_rows_through('posting_link', 'time_entry', 'entry_id');
select guard_rows_through('finding', 'time_entry', 'entry_id');
select guard_rows_through('desk_action', 'desk_item', 'item_id');
select guard_rows_through('root_cause', 'desk_item', 'cause_id');
-- A cause comes before its first item.
create policy added on root_cause for insert with check ((select tieout.sees_some()));
select guard_rows_through(name::regclass, 'delivery', 'delivery_id')
  from unnest(array['delivery_command', 'delivery_attempt']) as name;
select guard_rows_through('deal_approval', 'won_deal', 'deal_id');
select guard_rows_through(name::regclass, 'provisioning', 'provisioning_id')
  from unnest(array['provisioning_step', 'provisioning_sending']) as name;
select guard_rows_through('provisioned_object', 'provisioning_step', 'object_id');

-- What belongs to a project or a person is seen where these are, as the plan places them.
select guard_rows_through(name::regclass, 'plan_project', 'project_id')
  from unnest(array['assignment_version', 'booking', 'booking_week', 'project_week', 'project_actual',
                    'published_demand', 'demand_sending']) as name;
select guard_rows_through('person_week', 'plan_person', 'person_id');
select guard_rows(name::regclass, format($$
    (select tieout.sees_all()) or exists (select from tieout.plan_person as owning where owning.person_id = %I.resource_id)
$$, name))
  from unnest(array['time_off_version', 'absence', 'payroll_due']) as name;
select guard_rows_through('payroll_line', 'payroll_file', 'delivery_id');

-- A line without entity, project and person is the firm's, unless its rate card is an entity's.
select guard_rows('rate_line', $$
    (select tieout.sees_all()) or case
        when entity_id is not null then entity_id = any ((select tieout.seen_entities())::integer[])
        when project_id is not null then
            exists (select from tieout.plan_project as owning where owning.project_id = rate_line.project_id)
        when resource_id is not null then
            exists (select from tieout.plan_person as owning where owning.person_id = rate_line.resource_id)
        when rate_card_id is not null then
            exists (select from tieout.golden_record as owning where owning.record_id = rate_line.rate_card_id)
        else (select tieout.sees_some())
    end
$$);
select guard_rows_through('rate_line_retired', 'rate_line', 'rate_line_id');

select guard_rows_of_all(name::regclass)
  from unnest(array['message', 'message_repeat', 'message_pending', 'batch', 'posting_pending', 'revaluation_pending',
                    'plan_pending', 'booking_review', 'adoption', 'rate_line_waiting', 'payroll_pending',
                    'target_drift', 'entity_word', 'door_right']) as name;
select guard_rows_of_firm(name::regclass)
  from unnest(array['firm_version', 'fx_rate', 'fx_rate_retired', 'quality_score', 'quality_subject']) as name;
select leave_rows_open(name::regclass)
  from unnest(array['worker', 'control_total', 'throttle_window', 'jobs_schema', 'schema_revision', 'reference_state',
                    'system_name', 'source_cursor', 'circuit', 'paused_object', 'plan_position', 'stream_position',
                    'payroll_position', 'daily_run', 'object_poll', 'webhook_refusal',
                    'api_key', 'principal', 'role_grant', 'api_client', 'web_session', 'sign_in_link', 'access_use']) as name;

-- Every sealed table adds to the control totals of whoever writes it.
select let_doors('control_total', 'insert');
select let_doors('message', 'insert');
select let_doors('message_repeat', 'insert');
select let_doors('message_pending', 'insert');
select let_doors('webhook_refusal', 'insert', 'update');
select let_doors('desk_item', 'insert', 'update');
select let_doors('desk_action', 'insert');
select let_doors('root_cause', 'insert', 'update');
select let_doors('delivery', 'update');
select let_doors('won_deal', 'update');
select let_doors('deal_approval', 'insert');
select let_doors('principal', 'insert', 'update');
select let_doors('role_grant', 'insert', 'update');
select let_doors('api_client', 'insert', 'update');
select let_doors('api_key', 'update');
select let_doors('web_session', 'insert', 'update');
select let_doors('sign_in_link', 'insert', 'update');
select let_doors('access_use', 'insert', 'update');
