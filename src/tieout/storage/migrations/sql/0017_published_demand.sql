set local search_path = tieout;
-- What projects need, as resource tools were told.

-- One row per project and tool. content: hash of what was enqueued last, without its reference; line_count: how many lines
-- it has (0: withdrawn). waiting: there is demand, and the tool does not have the project yet.
create table published_demand (
    system      text not null,
    project_id  integer not null,
    revision    integer not null default 0,
    content     bytea,
    line_count  integer not null default 0,
    waiting     boolean not null default false,
    primary key (system, project_id)
);
create index published_demand_waiting on published_demand (project_id) where waiting;

-- Everything that was ever enqueued of it; open until it is known what became of it.
create table demand_sending (
    delivery_id bigint primary key,
    system      text not null,
    project_id  integer not null,
    revision    integer not null,
    open        boolean not null default true,
    unique (system, project_id, revision)
);
create index demand_sending_open on demand_sending (delivery_id) where open;
