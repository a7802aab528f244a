"""Systems that exchange files: payroll, regional ledgers, anything that drops or reads CSV, fixed width or XLSX."""
