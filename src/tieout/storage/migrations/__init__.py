"""Schema migrations: one plain SQL file per revision in ``sql``, applied in order by Alembic.

To add one, drop ``NNNN_name.sql`` into ``sql``; the revision's id is its number, it follows the one before. A file that
was released is never changed again.
"""
