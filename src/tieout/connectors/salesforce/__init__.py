"""Salesforce as the firm's CRM: accounts, opportunities with lines and contracts are read, project links written."""
