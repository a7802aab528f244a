set local search_path = tieout;
-- What each object of a vendor looks like, as learnt from the messages that were stored, and how that changed.

-- Up to which message an object was looked at, and how many of its messages were JSON.
create table vendor_object (
    object_id     integer generated always as identity primary key,
    system        text not null,
    object        text not null,
    last_message  bigint not null,
    message_count bigint not null,
    unique (system, object)
);

-- One place in an object. forms: null, boolean, integer, number, string, list, object. value_digests: of the values of a
-- place with few of them, null where they are many; digests, so that no person's name is kept here.
create table vendor_field (
    object_id     integer not null,
    path          text not null,
    forms         text[] not null,
    value_digests bigint[],
    seen_count    bigint not null,
    first_message bigint not null,
    last_message  bigint not null,
    primary key (object_id, path)
);

create table vendor_change (
    change_id       bigint generated always as identity primary key,
    object_id       integer not null,
    path            text not null,
    words           text not null,
    message_id      bigint not null,
    noticed_at      timestamptz not null,
    acknowledged_at timestamptz,
    acknowledged_by text
);
create index vendor_change_open on vendor_change (object_id) where acknowledged_at is null;

select guard_rows_of_firm(name::regclass) from unnest(array['vendor_object', 'vendor_field', 'vendor_change']) as name;
select let_doors('vendor_change', 'update');
