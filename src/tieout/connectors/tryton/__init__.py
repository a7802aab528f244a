"""Tryton 8.2, the ERP: journals, customers, projects and employees in; companies, periods, rates and masters out."""
