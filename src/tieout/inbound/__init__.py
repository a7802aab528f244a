"""The way in: raw messages are stored, translated, checked, de-duplicated, rated and accepted."""
