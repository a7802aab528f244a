"""The codes of connectors: what went wrong between us and one kind of system.

Neighbour: ``catalogue`` has the codes of everything else and joins these.
"""

from typing import Final

from tieout.errors.entry import COMPARE, REPORT_IT, CatalogueEntry

VENDOR_CODES: Final[dict[str, CatalogueEntry]] = {
    "TIE-BAMBOOHR-001": CatalogueEntry("An answer of BambooHR cannot be read", COMPARE),
    "TIE-BAMBOOHR-002": CatalogueEntry(
        "A stored position is not one of the BambooHR connector",
        "Reset the position of that object; it is then read from the beginning, and what is known is recognised.",
    ),
    "TIE-BAMBOOHR-003": CatalogueEntry(
        "A setting of a BambooHR system cannot be used",
        "Correct the named setting in systems/; the connector's manifest describes each.",
    ),
    "TIE-BAMBOOHR-004": CatalogueEntry(
        "BambooHR refused the key or what its user may see",
        "Check key, company and access level of the key's user in BambooHR; the connection resumes by itself.",
    ),
    "TIE-BAMBOOHR-005": CatalogueEntry(
        "BambooHR is busy or unavailable",
        "It is repeated by itself; act only if it does not stop.",
    ),
    "TIE-BAMBOOHR-006": CatalogueEntry(
        "BambooHR refused a request as such",
        "Compare the message with the fields and settings of that system; a field may have been renamed or removed.",
    ),
    "TIE-BAMBOOHR-007": CatalogueEntry(
        "A webhook of BambooHR is not proven to be its own",
        "Check the secret webhook_private_key and this machine's clock; what was told is read at the next poll anyway.",
    ),
    "TIE-EMAIL-001": CatalogueEntry(
        "A setting of an e-mail system cannot be used",
        "Correct the named setting in systems/; the connector's manifest describes each.",
    ),
    "TIE-EMAIL-002": CatalogueEntry(
        "The mail server refused the user or the password",
        "Check user and password of that system, and whether the server wants an app password.",
    ),
    "TIE-EMAIL-003": CatalogueEntry(
        "The mail server could not be reached or answered otherwise than it should",
        "Check server, port and tls of that system; it is repeated by itself.",
    ),
    "TIE-EMAIL-004": CatalogueEntry("E-mail was given a command that its connector does not name", REPORT_IT),
    "TIE-SLACK-001": CatalogueEntry(
        "Slack refused the token, or the history of a channel",
        "Check token and scopes of the app (chat:write, channels:history) and that it is a member of each channel.",
    ),
    "TIE-SLACK-002": CatalogueEntry(
        "Slack is busy or unavailable",
        "It is repeated by itself; act only if it does not stop.",
    ),
    "TIE-SLACK-003": CatalogueEntry("Slack was given a command that its connector does not name", REPORT_IT),
    "TIE-SLACK-004": CatalogueEntry(
        "The setting channels of a Slack system names no channel",
        "Write ids of channels there, apart by semicolons; Slack shows them at the end of a channel's details.",
    ),
    "TIE-TEAMS-001": CatalogueEntry(
        "The address of a Teams workflow cannot be used",
        "Copy the whole https address that Teams shows for the workflow into the secret webhook_url.",
    ),
    "TIE-TEAMS-002": CatalogueEntry("Teams was given a command that its connector does not name", REPORT_IT),
    "TIE-FLOAT-001": CatalogueEntry("An answer of Float cannot be read", COMPARE),
    "TIE-FLOAT-002": CatalogueEntry(
        "A stored position is not one of the Float connector",
        "Reset the position of that object; it is then read from the beginning, and what is known is recognised.",
    ),
    "TIE-FLOAT-003": CatalogueEntry(
        "A list of Float cannot be walked without missing rows",
        "Compare its order and its page headers with Float's API reference; that object stands still until they agree.",
    ),
    "TIE-FLOAT-004": CatalogueEntry(
        "Float refused the token or what it may see",
        "Check the token of the account owner under Team Settings, Integrations; the connection resumes by itself.",
    ),
    "TIE-FLOAT-005": CatalogueEntry(
        "Float is busy or unavailable",
        "It is repeated by itself; act only if it does not stop.",
    ),
    "TIE-FLOAT-006": CatalogueEntry(
        "Float refused a request as such",
        "Compare the message with Float's API reference; a parameter may have been renamed or removed.",
    ),
    "TIE-FLOAT-007": CatalogueEntry("Float was given a command that its connector does not name", REPORT_IT),
    "TIE-FLOAT-008": CatalogueEntry(
        "A setting of a Float account cannot be used",
        "Correct the named setting in systems/; the connector's manifest describes each.",
    ),
    "TIE-NETSUITE-001": CatalogueEntry(
        "The NetSuite connector does not know this object or stored position",
        "Correct the object's name in systems/, or reset its position; it is then read from the beginning.",
    ),
    "TIE-NETSUITE-002": CatalogueEntry("An answer of NetSuite cannot be read", COMPARE),
    "TIE-NETSUITE-003": CatalogueEntry(
        "A setting of a NetSuite connection cannot be used",
        "Correct the named setting or secret in systems/; the connector's manifest describes each.",
    ),
    "TIE-NETSUITE-004": CatalogueEntry(
        "NetSuite refused the client or its role",
        "Check certificate, client id and the role's permissions in NetSuite; the connection resumes by itself.",
    ),
    "TIE-NETSUITE-005": CatalogueEntry(
        "NetSuite is busy or unavailable",
        "It is repeated by itself; act only if it does not stop.",
    ),
    "TIE-NETSUITE-006": CatalogueEntry(
        "A legal entity has no subsidiary in NetSuite",
        "Set the subsidiary's external id to the legal entity's code, or name it in the setting subsidiaries.",
    ),
    "TIE-NETSUITE-007": CatalogueEntry("NetSuite was given commands that one call cannot write", REPORT_IT),
    "TIE-SALESFORCE-001": CatalogueEntry(
        "The Salesforce connector does not know this object or stored position",
        "Correct the object's name in systems/, or reset its position; it is then read from the beginning.",
    ),
    "TIE-SALESFORCE-002": CatalogueEntry("An answer of Salesforce cannot be read", COMPARE),
    "TIE-SALESFORCE-003": CatalogueEntry(
        "A setting of a Salesforce connection cannot be used",
        "Correct the named setting or secret in systems/; the connector's manifest describes each.",
    ),
    "TIE-SALESFORCE-004": CatalogueEntry(
        "Salesforce refused the connected app or what its user may do",
        "Check the connected app, its user and the user's permissions in Salesforce; the connection resumes by itself.",
    ),
    "TIE-SALESFORCE-005": CatalogueEntry(
        "Salesforce is busy or unavailable",
        "It is repeated by itself; act only if it does not stop.",
    ),
    "TIE-SALESFORCE-006": CatalogueEntry(
        "Salesforce refused a request as such",
        "Compare the message with the org's objects and the settings of its fields; one may be renamed or removed.",
    ),
    "TIE-SALESFORCE-007": CatalogueEntry(
        "The org has used up its API requests of the last 24 hours",
        "Reading and writing go on by themselves; see in Salesforce which program uses them, or raise the allocation.",
    ),
    "TIE-SALESFORCE-008": CatalogueEntry(
        "Deletions in Salesforce may have been missed",
        "Compare that object by a full sweep, then reset the position of its deletions.",
    ),
    "TIE-SALESFORCE-009": CatalogueEntry(
        "The Salesforce org has several currencies",
        "Empty the setting currency of that system; every record then names its own.",
    ),
    "TIE-SALESFORCE-010": CatalogueEntry("Salesforce was given commands that one call cannot write", REPORT_IT),
    "TIE-FILES-001": CatalogueEntry(
        "The connector for files does not know this object or stored position",
        "Correct the object's name in systems/, or reset its position; what is known is recognised.",
    ),
    "TIE-FILES-002": CatalogueEntry(
        "A file is not as its layout says",
        "Nothing of it was taken: have it delivered again as agreed, under a new number.",
    ),
    "TIE-FILES-003": CatalogueEntry(
        "A workbook cannot or must not be opened", "Nothing of it was taken: have it saved anew as a plain workbook."
    ),
    "TIE-FILES-004": CatalogueEntry(
        "A file does not come to its own control totals",
        "Nothing of it was taken: ask its sender, who has the same totals, and have it delivered again.",
    ),
    "TIE-FILES-005": CatalogueEntry(
        "The definition or a setting of a system of files cannot be used",
        "Correct the named place in its TOML file or in systems/.",
    ),
    "TIE-FILES-006": CatalogueEntry(
        "Where files lie cannot be reached", "It is repeated by itself; act only if it does not stop."
    ),
    "TIE-FILES-007": CatalogueEntry(
        "The server of files refused",
        "Check user, password or key, host_key and the folder's permissions; the connection resumes by itself.",
    ),
    "TIE-FILES-008": CatalogueEntry(
        "It is unknown whether a file got its name", "It is looked up by itself; act only if it stays in doubt."
    ),
    "TIE-FILES-009": CatalogueEntry(
        "A file may not be taken", "Nothing of it was taken: ask its sender which delivery counts."
    ),
    "TIE-FILES-012": CatalogueEntry("The connector for files was given a command that it does not declare", REPORT_IT),
    "TIE-KANTATA-001": CatalogueEntry("An answer of Kantata cannot be read", COMPARE),
    "TIE-KANTATA-002": CatalogueEntry(
        "A stored position is not one of the Kantata connector",
        "Reset the position of that object; it is then read from the beginning, which repeats but loses nothing.",
    ),
    "TIE-KANTATA-003": CatalogueEntry(
        "Deletions in Kantata may have been missed",
        "Compare the time entries by a full sweep, then reset the position of subscribed_events.",
    ),
    "TIE-KANTATA-004": CatalogueEntry(
        "Kantata refused the token or has no such collection for it",
        "Check that the token is an account administrator's and not revoked; the connection resumes by itself.",
    ),
    "TIE-KANTATA-005": CatalogueEntry(
        "Kantata is busy or unavailable",
        "It is repeated by itself; act only if it does not stop.",
    ),
    "TIE-KANTATA-006": CatalogueEntry("Kantata refused a request as such", COMPARE),
    "TIE-KANTATA-007": CatalogueEntry(
        "A setting of a Kantata system cannot be used", "Correct the named setting in systems/ as the message says."
    ),
    "TIE-KANTATA-008": CatalogueEntry("Kantata was given a command that it does not declare", REPORT_IT),
    "TIE-TRYTON-001": CatalogueEntry(
        "The Tryton connection is not set up for this",
        "Correct the named setting of the system in systems/, or Tryton.",
    ),
    "TIE-TRYTON-002": CatalogueEntry("An answer of Tryton cannot be read", COMPARE),
    "TIE-TRYTON-003": CatalogueEntry(
        "Tryton refused us",
        "Check the user's password, companies and rights in Tryton; the connection resumes by itself.",
    ),
    "TIE-TRYTON-004": CatalogueEntry(
        "Tryton is busy or unavailable", "It is repeated by itself; act only if it does not stop."
    ),
    "TIE-TRYTON-005": CatalogueEntry("The Tryton connector was used wrongly", REPORT_IT),
    "TIE-REST-001": CatalogueEntry("An answer of a REST system cannot be read", COMPARE),
    "TIE-REST-002": CatalogueEntry(
        "A stored position is not one of a REST system",
        "Reset the position of that object; it is then read from the beginning, and what is known is recognised.",
    ),
    "TIE-REST-003": CatalogueEntry(
        "The definition of a REST system cannot be used",
        "Correct what the message names in the file that the setting definition names.",
    ),
    "TIE-REST-004": CatalogueEntry(
        "A REST system refused the credentials or has no such path for them",
        "Check secret, user and paths of that system; the connection resumes by itself.",
    ),
    "TIE-REST-005": CatalogueEntry(
        "A REST system is busy or unavailable",
        "It is repeated by itself; act only if it does not stop.",
    ),
    "TIE-REST-006": CatalogueEntry(
        "A REST system refused a request as such",
        "Compare the message with paths and parameters of the definition; the system may have changed.",
    ),
    "TIE-REST-007": CatalogueEntry("A REST system was given a command that its definition does not have", REPORT_IT),
}
