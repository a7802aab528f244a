"""Oracle NetSuite as an ERP: journals, customers and projects over SuiteTalk REST, masters and ledger by SuiteQL."""
