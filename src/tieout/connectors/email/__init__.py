"""E-mail: notices, and anchors of the audit chain, through a mail server of the firm by SMTP."""
