"""E-mail: notices through a mail server of the firm, by SMTP."""
