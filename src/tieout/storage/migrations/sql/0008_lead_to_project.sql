set local search_path = tieout;
-- Masters are delivered as journals are, and deals that were won become projects.

-- A delivery of a master (every command but post_journal) has no day, no currency and no entries.
-- state, beside those of 0006: excluded: a person gave it up; superseded: a newer one took its place before it was sent.
alter table delivery alter column accounting_date drop not null;
alter table delivery alter column currency drop not null;
alter table delivery alter column functional_currency drop not null;
alter table delivery add constraint delivery_journal check (
    (command_kind = 'post_journal')
    = (accounting_date is not null and currency is not null and functional_currency is not null));
drop index delivery_open;
create index delivery_open on delivery (system, order_key, order_no, delivery_id)
    where state not in ('posted', 'split', 'recut', 'excluded', 'superseded');
