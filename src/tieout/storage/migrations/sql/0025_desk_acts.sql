set local search_path = tieout;
-- What people do on the desk: assignments, corrections beside the message, proposals that a second person decides,
-- service levels and the notices that their breaches cause.

-- What was done to an item is never changed or deleted, by anybody.
create trigger append_only before update or delete or truncate on desk_action
    for each statement execute function refuse_change();

-- How the history of an item, and what was solved like it, is read.
create index desk_action_item on desk_action (item_id);
-- Whether a legal entity has part in a cause: row-level security asks it of every cause that a door reads.
create index desk_item_cause_entity on desk_item (cause_id, entity_id);
create index desk_item_closed on desk_item (cause_id, closed_at desc) where state in ('resolved', 'excluded');

create table desk_assignment (
    item_id     bigint primary key,
    assignee    text not null,
    assigned_by text not null,
    assigned_at timestamptz not null
);
create index desk_assignment_assignee on desk_assignment (assignee);

-- What a person put beside a message that stays as it was received: another value for a field of one of its items. The
-- newest of a field holds. was: what the item said before, as text.
create table message_correction (
    correction_id bigint generated always as identity primary key,
    message_id    bigint not null,
    item_no       integer not null,
    field         text not null,
    value         text not null,
    was           text not null,
    item_id       bigint not null,
    proposal_id   bigint,
    actor         text not null,
    corrected_at  timestamptz not null
);
create index message_correction_message on message_correction (message_id);
create trigger append_only before update or delete or truncate on message_correction
    for each statement execute function refuse_change();

-- kind: exclude | overrule | edit | mapping | replay. content is the exact text that is hashed and approved; the columns
-- beside it repeat what is searched for. entities: codes of the legal entities touched; firm_wide: none can be named, or
-- all are touched, so that a right for the whole firm is needed.
-- state: open | approved (decided, not carried out yet) | done | rejected | withdrawn | expired | failed.
create table proposal (
    proposal_id   bigint generated always as identity primary key,
    kind          text not null,
    content       text not null,
    content_hash  text not null,
    entities      text[] not null,
    firm_wide     boolean not null,
    item_count    integer not null,
    hours         numeric(18, 4) not null,
    money         jsonb not null,
    reason        text not null,
    maker_id      uuid not null,
    maker         text not null,
    made_at       timestamptz not null,
    expires_at    timestamptz not null,
    state         text not null,
    checker_id    uuid,
    checker       text,
    decision      text,
    decided_at    timestamptz,
    done_at       timestamptz,
    outcome       jsonb not null default '{}',
    check (checker_id is distinct from maker_id or state in ('withdrawn', 'rejected'))
);
create index proposal_waiting on proposal (state, proposal_id) where state in ('open', 'approved');

create table proposal_item (
    proposal_id bigint not null,
    item_id     bigint not null,
    primary key (proposal_id, item_id)
);
create index proposal_item_item on proposal_item (item_id);

-- What was proposed stays what was proposed: only what became of it is added.
create function refuse_other_proposal() returns trigger language plpgsql as $$
begin
    if tg_op = 'DELETE'
       or (new.kind, new.content, new.content_hash, new.entities, new.firm_wide, new.money, new.reason, new.maker_id,
           new.maker, new.made_at, new.expires_at)
          is distinct from
          (old.kind, old.content, old.content_hash, old.entities, old.firm_wide, old.money, old.reason, old.maker_id,
           old.maker, old.made_at, old.expires_at)
       or old.state not in ('open', 'approved') then
        raise exception 'a proposal is not changed' using errcode = 'insufficient_privilege';
    end if;
    return new;
end
$$;
create trigger as_proposed before update or delete on proposal
    for each row execute function refuse_other_proposal();

-- Lines of mapping tables that were approved on the desk. They hold beside those of the firm directory, which goes before:
-- a line of the same table, system, entity, source and first day in the directory stands instead of one here.
create table mapping_addition (
    addition_id bigint generated always as identity primary key,
    proposal_id bigint not null unique,
    table_name  text not null,
    system      text not null,
    entity      text not null,
    source      text not null,
    target      text not null,
    valid_from  date not null,
    valid_to    date,
    added_at    timestamptz not null
);
create trigger append_only before update or delete or truncate on mapping_addition
    for each statement execute function refuse_change();

-- Until when what belongs into a period is to be posted, by legal entity; computed from the periods and the firm's service
-- levels, for whoever asks how long an item may still wait.
create table posting_cut_off (
    entity_id integer not null,
    code      text not null,
    starts    date not null,
    ends      date not null,
    cut_off   timestamptz not null,
    primary key (entity_id, starts)
);

-- One row per service level and subject for every time that it was late. late_by is of unit; escalation is how many steps
-- of the firm's path were taken.
create table service_breach (
    breach_id    bigint generated always as identity primary key,
    level        text not null,
    subject      text not null,
    entity       text,
    domain       text not null,
    owner        text not null,
    facts        jsonb not null,
    late_by      numeric not null,
    unit         text not null,
    breached_at  timestamptz not null,
    seen_at      timestamptz not null,
    ended_at     timestamptz,
    escalation   integer not null default 0,
    escalated_at timestamptz
);
create unique index service_breach_lasting on service_breach (level, subject) where ended_at is null;

-- When the service levels were last measured, by whatever process.
create table service_measure (
    only_row    boolean primary key default true check (only_row),
    measured_at timestamptz not null
);
insert into service_measure (measured_at) values ('-infinity');

-- What somebody is to be told, once: whoever sends reads from here. key says of what a notice tells, so that the same is
-- never told twice.
create table notice (
    notice_id  bigint generated always as identity primary key,
    key        text not null unique,
    kind       text not null,
    subject    text not null,
    entity     text,
    recipients text[] not null,
    body       text not null,
    facts      jsonb not null,
    created_at timestamptz not null
);

select seal_table(name::regclass)
  from unnest(array['message_correction', 'proposal', 'mapping_addition']) as name;

select guard_rows_through(name::regclass, 'desk_item', 'item_id') from unnest(array['desk_assignment', 'message_correction']) as name;
select guard_rows('proposal', $$
    (select tieout.sees_all())
    or (not firm_wide and cardinality(entities) > 0 and entities <@ (select tieout.seen_codes())::text[])
$$);
select guard_rows_through('proposal_item', 'proposal', 'proposal_id');
select guard_rows_of_firm('mapping_addition');
select guard_rows_by_entity('posting_cut_off');
select leave_rows_open('service_measure');
select guard_rows('service_breach', $$
    (select tieout.sees_all()) or case
        when entity is null then (select tieout.sees_some()) else entity = any ((select tieout.seen_codes())::text[]) end
$$);
select guard_rows_by_code('notice');
select let_doors('desk_assignment', 'insert', 'update', 'delete');
select let_doors('message_correction', 'insert');
select let_doors('proposal', 'insert', 'update');
select let_doors('proposal_item', 'insert');
