"""Where state lives: PostgreSQL (embedded or any other), connections, migrations, COPY, wake-ups, claims, throttles.

``storage`` knows no business table: each step brings its own SQL file to ``migrations/sql`` and its own ``store.py``.
"""
