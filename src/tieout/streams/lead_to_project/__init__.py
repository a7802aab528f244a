"""From a won deal to one project in every system: validation, approval, provisioning step by step, activation."""
