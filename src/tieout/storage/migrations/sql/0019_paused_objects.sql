set local search_path = tieout;
-- Objects of systems that are not polled for now: too much of a page of theirs could not be read.

-- message_id: the page that showed it. The row is gone once polling goes on; the desk item (paused_object) keeps the history.
create table paused_object (
    pause_id   bigint generated always as identity primary key,
    system     text not null,
    object     text not null,
    message_id bigint not null,
    problem    text not null,
    paused_at  timestamptz not null,
    unique (system, object)
);
