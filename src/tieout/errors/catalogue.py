"""The catalogue of stable codes: what each means and what the reader does about it.

``docs/reference/errors.md`` lists the same catalogue. To add a code, add one line here or, for a connector, to
``vendor_codes``; codes are never renumbered and never used twice.
"""

from typing import Final

from tieout.errors.entry import COMPARE, REPORT_IT, CatalogueEntry
from tieout.errors.vendor_codes import VENDOR_CODES

CATALOGUE: Final[dict[str, CatalogueEntry]] = {
    **VENDOR_CODES,
    "TIE-ACCESS-001": CatalogueEntry(
        "A principal cannot be entered", "Give a name and, for a person, an e-mail address that nobody else has."
    ),
    "TIE-ACCESS-002": CatalogueEntry("There is no such principal", "See who is known with `tieout access list`."),
    "TIE-ACCESS-003": CatalogueEntry(
        "A right does not fit",
        "Give roles to persons and scopes to programs, for a legal entity of the books or for all of them.",
    ),
    "TIE-ACCESS-004": CatalogueEntry(
        "Duties would not be separated",
        "Let another person hold one of the two: who gives rights approves nothing, and nobody gives himself rights.",
    ),
    "TIE-ACCESS-005": CatalogueEntry(
        "There is no such grant that holds", "Take the number of the grant from `tieout access review`."
    ),
    "TIE-ACCESS-006": CatalogueEntry(
        "The last administrator would go", "Make somebody else administrator of all legal entities first."
    ),
    "TIE-ACCESS-008": CatalogueEntry(
        "Rights may not be given there",
        "Ask an administrator of that legal entity, or of all of them.",
    ),
    "TIE-ACCESS-007": CatalogueEntry(
        "There is no such client, or no rotation of its secret was begun",
        "See the clients with `tieout access list`; begin a rotation with `tieout access client rotate`.",
    ),
    "TIE-CONNECT-001": CatalogueEntry(
        "No such connector",
        "Correct the name in systems/, or install the package that provides the connector.",
    ),
    "TIE-CONNECT-002": CatalogueEntry(
        "No such simulator",
        "Correct the name, or install the package that provides the simulator.",
    ),
    "TIE-CONNECT-003": CatalogueEntry(
        "An entry point does not lead to what its group promises",
        "Correct the entry point in the package that provides it, and install the package again.",
    ),
    "TIE-CONNECT-004": CatalogueEntry(
        "A simulator does not answer",
        "Look at the simulator's process and its output; start it again, its state is kept.",
    ),
    "TIE-CONNECT-005": CatalogueEntry(
        "A simulator refused an order",
        "Correct the order as the message says; nothing was changed by it.",
    ),
    "TIE-CONNECT-006": CatalogueEntry(
        "A simulator is not running",
        "Read the simulator's output above the message; correct its arguments or its seed firm, then start it again.",
    ),
    "TIE-CONNECT-007": CatalogueEntry(
        "A file of documented exchanges is malformed",
        "Correct the file as the message says; the form is described where simulators read it.",
    ),
    "TIE-CONNECT-008": CatalogueEntry(
        "A new connector cannot be made under this name or here",
        "Choose another name or directory as the message says; nothing was written.",
    ),
    "TIE-EVENT-001": CatalogueEntry("An event is not as the catalogue of events says", REPORT_IT),
    "TIE-LOG-001": CatalogueEntry("There is no such form of logs", "Set TIEOUT_LOG to text or json, or leave it out."),
    "TIE-FINDING-001": CatalogueEntry("A finding has a code that the catalogue does not have", REPORT_IT),
    "TIE-ID-001": CatalogueEntry(
        "An identifier of another system is incomplete",
        "Correct the key of the record in its source; system, kind and value must be there, and its span have days.",
    ),
    "TIE-ID-002": CatalogueEntry("A value has no canonical form to hash", REPORT_IT),
    "TIE-HTTP-001": CatalogueEntry(
        "A request did not reach its target",
        "It is repeated by itself; if it does not stop, check the address, the network and the target's certificate.",
    ),
    "TIE-HTTP-002": CatalogueEntry(
        "A request was sent and its answer is missing",
        "It is held and looked up by our reference before anything is sent again; act only if it stays in doubt.",
    ),
    "TIE-HTTP-003": CatalogueEntry(
        "A reading request was not answered",
        "It is repeated by itself; if it does not stop, look at the target.",
    ),
    "TIE-HTTP-004": CatalogueEntry(
        "An answer is larger than allowed",
        "Lower the page size of that object, or find out why the target answers with so much.",
    ),
    "TIE-HTTP-005": CatalogueEntry(
        "An address cannot be used",
        "Correct the base URL of that system in systems/.",
    ),
    "TIE-CONTROL-001": CatalogueEntry("A command would decide what a system decides itself", REPORT_IT),
    "TIE-JOURNAL-001": CatalogueEntry("A journal line has no side or two", REPORT_IT),
    "TIE-JOURNAL-002": CatalogueEntry("A journal does not balance", REPORT_IT),
    "TIE-MODEL-001": CatalogueEntry(
        "A value breaks a rule of its own kind",
        "Correct what the message names in the source of the record, then send it again.",
    ),
    "TIE-MONEY-001": CatalogueEntry(
        "Not a currency that amounts can be kept in",
        "Use the current ISO 4217 code of a currency with minor units; withdrawn codes and metals are refused.",
    ),
    "TIE-MONEY-002": CatalogueEntry(
        "An amount cannot be kept exactly",
        "Correct the amount in its source: a finite decimal with no more decimals than its currency has.",
    ),
    "TIE-PERIOD-001": CatalogueEntry(
        "An accounting period has no days", "Correct the dates of the period in the ledger."
    ),
    "TIE-PERIOD-002": CatalogueEntry(
        "Two accounting periods of one entity overlap", "Correct the dates of one of the two periods in the ledger."
    ),
    "TIE-PERIOD-003": CatalogueEntry(
        "Days between two accounting periods belong to none", "Open a period for the named days in the ledger."
    ),
    "TIE-PERIOD-004": CatalogueEntry(
        "Monthly periods do not begin on the first of a month",
        "Begin them on the first, or use a calendar of weeks.",
    ),
    "TIE-STATE-001": CatalogueEntry(
        "The state of a record does not allow this",
        "Look at the present state of the record; the state it is in decides what can be done with it.",
    ),
    "TIE-FIRM-001": CatalogueEntry(
        "No firm configuration has been applied",
        "Run `tieout apply` with the firm directory.",
    ),
    "TIE-FIRM-002": CatalogueEntry(
        "A version of the firm configuration is missing",
        "Compare the database with its backups: versions are never deleted.",
    ),
    "TIE-RATE-001": CatalogueEntry("A rate has no day", REPORT_IT),
    "TIE-RECORD-001": CatalogueEntry("The reference state has lost its row", REPORT_IT),
    "TIE-RECORD-002": CatalogueEntry("A version of a record has no instant", REPORT_IT),
    "TIE-RECORD-003": CatalogueEntry(
        "There is no such record", "Use the business code that the systems share; of a person the e-mail address."
    ),
    "TIE-RECORD-004": CatalogueEntry("The record has no such field", "Use one of the fields that the message names."),
    "TIE-RECORD-005": CatalogueEntry(
        "A record to be adopted is not known", "Use system and key as `tieout adopt --write` names them."
    ),
    "TIE-RECORD-006": CatalogueEntry(
        "Two records cannot be one",
        "Answer no, or correct the system that has both; `tieout explain client` shows what each says.",
    ),
    "TIE-RECORD-007": CatalogueEntry(
        "A file of decisions cannot be read",
        "Keep the columns of `tieout adopt --write`; decide with yes or no.",
    ),
    "TIE-SAMPLE-001": CatalogueEntry(
        "The sample firm cannot be put into Tryton", "Correct the sample firm as the message says."
    ),
    "TIE-SAMPLE-002": CatalogueEntry(
        "The sample's Tryton did not start or refused something",
        "Read the end of tryton/server.log below the home directory; the command can be repeated safely.",
    ),
    "TIE-SAMPLE-003": CatalogueEntry(
        "The sample's Tryton could not be installed",
        "See that pip reaches a package index (network, proxy, certificate) and the disk has room; then repeat.",
    ),
    "TIE-LEDGER-001": CatalogueEntry(
        "There is no such actual",
        "Take the number from the column Actuals of `tieout tie-out --bucket posted`.",
    ),
    "TIE-LEDGER-002": CatalogueEntry(
        "A rate line that an actual names is not there",
        "Rate lines are never deleted by the product: compare the database with its backups.",
    ),
    "TIE-PAYLOAD-001": CatalogueEntry("A payload is not JSON", COMPARE),
    "TIE-PAYLOAD-002": CatalogueEntry("A payload is too large", COMPARE),
    "TIE-PAYLOAD-003": CatalogueEntry("A payload is nested too deeply", COMPARE),
    "TIE-PAYLOAD-004": CatalogueEntry("A payload names one member twice", COMPARE),
    "TIE-PAYLOAD-005": CatalogueEntry("A payload contains a number that is none to us", COMPARE),
    "TIE-PAYLOAD-006": CatalogueEntry("A payload contains text that is none", COMPARE),
    "TIE-PAYLOAD-007": CatalogueEntry("A payload is not of the documented shape", COMPARE),
    "TIE-API-001": CatalogueEntry(
        "No such API system", 'Add a system with connector = "api" to systems/ and apply, or name one that is there.'
    ),
    "TIE-API-002": CatalogueEntry(
        "The API key is not valid", "Send a key of `tieout key create` as Authorization: Bearer KEY."
    ),
    "TIE-API-003": CatalogueEntry(
        "The request is too large", "Send the batch in parts of at most 8 MiB and 25,000 entries."
    ),
    "TIE-API-004": CatalogueEntry(
        "The request is empty", 'Send one time entry as JSON, or a batch as {"time_entries": [...]}.'
    ),
    "TIE-API-005": CatalogueEntry(
        "The address of the API cannot be listened on",
        "Choose another --port or --address, or stop the program that listens there.",
    ),
    "TIE-API-006": CatalogueEntry(
        "The body is said to be something else than JSON",
        "Send JSON as application/json, not compressed.",
    ),
    "TIE-API-007": CatalogueEntry(
        "The API has no such address or method", "Compare method and path with the how-to of the API."
    ),
    "TIE-API-008": CatalogueEntry(
        "The request breaks the rules of HTTP", "Correct the request as the detail says, then send it again."
    ),
    "TIE-API-009": CatalogueEntry(
        "The API could not handle a request",
        "This is a defect of Tieout: nothing of the request was stored. Report it with the hub's log around it.",
    ),
    "TIE-API-010": CatalogueEntry(
        "The request is not allowed",
        "Ask whoever gives rights for the scope that the detail names; a page is loaded again before it is repeated.",
    ),
    "TIE-API-011": CatalogueEntry(
        "There were too many requests", "Wait as long as Retry-After says; RateLimit tells how many are left."
    ),
    "TIE-BACKUP-001": CatalogueEntry(
        "The programs of PostgreSQL could not dump or load the database",
        "Do what the message says; nothing was left half done, and the command can be repeated.",
    ),
    "TIE-BACKUP-002": CatalogueEntry(
        "A file cannot be restored", "Use another copy of the backup, or a Tieout at least as new as the one it names."
    ),
    "TIE-BACKUP-003": CatalogueEntry(
        "The passphrase of a backup is missing or wrong", "Name the variable that holds it with --passphrase env:NAME."
    ),
    "TIE-BACKUP-004": CatalogueEntry("A backup cannot be written there", "Name a new file in a directory that exists."),
    "TIE-BACKUP-005": CatalogueEntry(
        "A backup is restored only into an empty home and database",
        "Name a new directory with --home, and an empty database where TIEOUT_DATABASE_URL is set.",
    ),
    "TIE-BACKUP-006": CatalogueEntry(
        "A legal entity does not wait for that", "See with `tieout restored list` what waits and for what."
    ),
    "TIE-BILLING-001": CatalogueEntry(
        "An account is not configured", "Add the account number to [accounts] of the entity's policy and apply."
    ),
    "TIE-BILLING-002": CatalogueEntry(
        "No system posts for a legal entity", "Add the entity to posts_for of a system and apply."
    ),
    "TIE-BILLING-003": CatalogueEntry("A legal entity has no policy", "Add policies/ENTITY.toml and apply."),
    "TIE-BILLING-004": CatalogueEntry("A delivery to be split is not there", REPORT_IT),
    "TIE-CLI-001": CatalogueEntry(
        "A command line that cannot be understood", "Look at `tieout --help`, or at `tieout COMMAND --help`."
    ),
    "TIE-CLI-002": CatalogueEntry(
        "The operating system refused a file",
        "Correct its owner and permissions or free disk space, then repeat; a home is used by the user that made it.",
    ),
    "TIE-DEMO-001": CatalogueEntry(
        "The home holds another demo",
        "Choose another home (`tieout demo --home DIR`, `make demo HOME_DIR=DIR`), or remove this one.",
    ),
    "TIE-API-012": CatalogueEntry(
        "The header Idempotency-Key is not as the draft has it", "Send one string in quotes."
    ),
    "TIE-API-013": CatalogueEntry(
        "An Idempotency-Key was used for another request", "Use a new key for each request, the same key to repeat one."
    ),
    "TIE-API-014": CatalogueEntry(
        "The request under an Idempotency-Key is still under way", "Send the same request again in a moment."
    ),
    "TIE-API-015": CatalogueEntry(
        "An operation of the API would end too soon", "Let it end half a year after it is deprecated at the earliest."
    ),
    "TIE-API-016": CatalogueEntry(
        "What is to be changed has changed since it was read", "Read it again, and decide again with its new ETag."
    ),
    "TIE-AUDIT-001": CatalogueEntry(
        "The head of the audit chain could not be written down",
        "Correct the place in [[audit.anchors]] as the message says, then run `tieout audit anchor`.",
    ),
    "TIE-AUDIT-002": CatalogueEntry(
        "A file of anchors or an export of the audit chain cannot be read",
        "Name a file that `tieout audit anchor` or `tieout audit export` wrote.",
    ),
    "TIE-AUDIT-003": CatalogueEntry(
        "An export of the audit chain cannot be written",
        "Name a file that does not exist yet, in a directory that can be written to.",
    ),
    "TIE-AUDIT-004": CatalogueEntry(
        "The key that periods are sealed with cannot be used",
        "Restore keys/period_seal.pem of the home from its backup; a new key is made only where there was none.",
    ),
    "TIE-DESK-001": CatalogueEntry("No such item on the desk", "List the items with `tieout exceptions list`."),
    "TIE-DESK-002": CatalogueEntry("An act without a reason", "Give --reason; it stays in the history."),
    "TIE-DESK-003": CatalogueEntry(
        "No right for what is acted on", "Ask somebody who has it for every legal entity that is touched."
    ),
    "TIE-DESK-004": CatalogueEntry(
        "A proposal is approved by another person", "Ask a second person to look at it and to approve it."
    ),
    "TIE-DESK-005": CatalogueEntry(
        "A proposal is not what was seen", "Look at it again; where its items have changed since, propose it anew."
    ),
    "TIE-DESK-006": CatalogueEntry(
        "A proposal is decided already or has expired", "Look at it with `tieout exceptions proposal`; propose it anew."
    ),
    "TIE-DESK-007": CatalogueEntry(
        "A value cannot be corrected so", "Correct it as the message says, or in its source."
    ),
    "TIE-DESK-008": CatalogueEntry(
        "A line of a mapping table cannot be added", "Correct it as the message says, or in the firm directory."
    ),
    "TIE-DESK-009": CatalogueEntry("There is no such proposal", "List them with `tieout exceptions proposals`."),
    "TIE-DESK-010": CatalogueEntry("Too much for one proposal", "Choose fewer items, by a root cause or a code."),
    "TIE-DESK-011": CatalogueEntry("The mark of a page is not of this list", "Begin the list anew, without the mark."),
    "TIE-DRIFT-001": CatalogueEntry("The object is not paused", "See what is paused with `tieout systems list`."),
    "TIE-FIRM-003": CatalogueEntry(
        "There is no firm directory",
        "Name it with --home or --firm, or write one as docs/reference/firm-directory.md describes.",
    ),
    "TIE-FIRM-004": CatalogueEntry(
        "A system cannot be posted to", "Remove posts_for from it, or use a connector that can write."
    ),
    "TIE-FIRM-005": CatalogueEntry(
        "The firm directory has mistakes", "Correct each line that is named, then run `tieout check`."
    ),
    "TIE-FIRM-006": CatalogueEntry(
        "The new firm directory has files already", "Name a directory that does not exist yet, or an empty one."
    ),
    "TIE-FIRM-007": CatalogueEntry(
        "There is no such system to connect to", "Use the name of a file in systems/ of the firm directory."
    ),
    "TIE-OUTBOUND-001": CatalogueEntry(
        "A system cannot take a command",
        "Let another system post for these entities; `tieout connector list` shows what each can write.",
    ),
    "TIE-OUTBOUND-002": CatalogueEntry("A delivery is neither a journal nor a master", REPORT_IT),
    "TIE-OUTBOUND-003": CatalogueEntry("A master was treated as a journal", REPORT_IT),
    "TIE-PLAN-001": CatalogueEntry(
        "The plan knows nothing of that name", "Name a business code, a person or a role that the systems have told."
    ),
    "TIE-PROJECT-001": CatalogueEntry(
        "There is no such project or deal",
        "`tieout projects list` shows the codes of projects and the numbers of deals.",
    ),
    "TIE-PROJECT-002": CatalogueEntry(
        "This person may not approve the deal",
        "Let somebody else approve it: not the deal's owner, and one of the approvers that streams.toml names.",
    ),
    "TIE-PROJECT-003": CatalogueEntry(
        "Nothing of this deal waits to be approved",
        "`tieout projects show` says where it stands.",
    ),
    "TIE-PROJECT-004": CatalogueEntry("What is stored of a project contradicts itself", REPORT_IT),
    "TIE-SECRET-001": CatalogueEntry(
        "A secret cannot be read",
        "Set the environment variable, write the file that the reference names, or store it with `tieout secret set`.",
    ),
    "TIE-SECRET-002": CatalogueEntry(
        "The master key cannot be used",
        "Put the key back that TIEOUT_MASTER_KEY names or that lay in keys/master.key of the home; without it, set the "
        "secrets anew.",
    ),
    "TIE-SECRET-003": CatalogueEntry(
        "What is stored encrypted was altered",
        "Set the secret anew with `tieout secret set`, and find out who wrote to the database or the keys.",
    ),
    "TIE-SECRET-004": CatalogueEntry(
        "The secret cannot be stored", "Correct name or value as the message says; the value is read from stdin."
    ),
    "TIE-TIEOUT-001": CatalogueEntry("No such accounting period", "Name a legal entity and a period that the ERP has."),
    "TIE-TIEOUT-002": CatalogueEntry(
        "No such legal entity or period in the books", "Name one of those that the message lists."
    ),
    "TIE-INBOUND-001": CatalogueEntry("An entry was accepted without all that it needs", REPORT_IT),
    "TIE-INBOUND-002": CatalogueEntry(
        "What was handed in is no time entry and no batch",
        'Send one entry as an object or a batch as {"time_entries": [...]}; it stands on the desk as it came.',
    ),
    "TIE-SCHEMA-001": CatalogueEntry("No such schema is published", "List them with `tieout contract schemas`."),
    "TIE-SCHEMA-002": CatalogueEntry(
        "A consumer's contract cannot be read",
        "Correct the file as the message says; docs/how-to/rely-on-events-and-schemas.md describes the form.",
    ),
    "TIE-SITE-001": CatalogueEntry(
        "The hub's own address or its identity provider is set wrongly",
        "Correct the environment variable that the message names, as docs/how-to/give-access.md describes.",
    ),
    "TIE-STORE-001": CatalogueEntry(
        "The database cannot be reached",
        "Check that PostgreSQL runs and that TIEOUT_DATABASE_URL is right; the command can be repeated safely.",
    ),
    "TIE-STORE-002": CatalogueEntry(
        "The PostgreSQL program files are missing or do not run",
        "Run `make setup` again, or set TIEOUT_DATABASE_URL to a PostgreSQL 18 of your own.",
    ),
    "TIE-STORE-003": CatalogueEntry(
        "The embedded PostgreSQL did not start",
        "Read the end of postgres/server.log below the home directory; free disk space or memory, then repeat.",
    ),
    "TIE-STORE-004": CatalogueEntry(
        "The home directory cannot be used",
        "Choose another directory with --home, or correct its owner and permissions.",
    ),
    "TIE-STORE-005": CatalogueEntry(
        "The database was written by a newer Tieout",
        "Use the newer version of Tieout with this home directory, or another home directory with this one.",
    ),
    "TIE-STORE-006": CatalogueEntry(
        "This PostgreSQL is too old",
        "Point TIEOUT_DATABASE_URL to PostgreSQL 18 or later.",
    ),
    "TIE-STORE-007": CatalogueEntry(
        "The database stayed busy",
        "Nothing was changed; repeat the command. If it happens again, look for a long-running transaction.",
    ),
    "TIE-STORE-008": CatalogueEntry("A value cannot be written as COPY text", REPORT_IT),
    "TIE-STORE-009": CatalogueEntry(
        "The database lost a session that a worker's claims depend on",
        "The worker gives up its claims and registers again by itself; if it repeats, look at the database's log.",
    ),
    "TIE-STORE-010": CatalogueEntry("A statement of storage was used wrongly", REPORT_IT),
    "TIE-STORE-012": CatalogueEntry(
        "There is no hub in this home",
        "Name the right one with --home; `tieout demo` or `tieout apply` makes a new one.",
    ),
    "TIE-STORE-011": CatalogueEntry(
        "The limits of an account can never be met",
        "Correct the limits of that connection: each must be a positive number.",
    ),
    "TIE-STORE-013": CatalogueEntry(
        "The roles of the database would not keep the rows of legal entities apart",
        "Let hub and doors use two roles as docs/how-to/give-access.md describes, then start again.",
    ),
    "TIE-STORE-014": CatalogueEntry(
        "The doors have no role in the database",
        "Set TIEOUT_DOOR_DATABASE_URL to the database with a role of its own, as docs/how-to/give-access.md describes.",
    ),
    "TIE-STORE-015": CatalogueEntry(
        "The roles of a hub run apart only on a database that both reach",
        "Set TIEOUT_DATABASE_URL to a PostgreSQL 18 for every role, or leave --role out.",
    ),
    "TIE-REPLAY-001": CatalogueEntry(
        "A replay names nothing", "Name a system, a time range, a legal entity, a finding's code or items."
    ),
    "TIE-REPLAY-002": CatalogueEntry(
        "There is nothing to replay, or not so fast", "Choose something that is not posted, at 1 to 1,000,000 a minute."
    ),
    "TIE-REPLAY-003": CatalogueEntry("What is to be replayed has changed", "Propose the replay again."),
    "TIE-SCHEDULE-001": CatalogueEntry(
        "The hub stopped while a daily run was under way",
        "Nothing is to be done: the run is made again at the next start.",
    ),
    "TIE-SUBSCRIPTION-001": CatalogueEntry(
        "Events cannot be sent to the address of a subscription",
        "Give a public https address; for the firm's own networks set own_networks in [subscriptions] of tieout.toml.",
    ),
    "TIE-SUBSCRIPTION-002": CatalogueEntry(
        "A program has as many subscriptions as it may",
        "Remove one that is not needed, or name more types in one.",
    ),
    "TIE-SWEEP-001": CatalogueEntry(
        "A sweep met an item that cannot be read",
        "Nothing was taken for deleted; correct the item in its source or the connector's rules, then sweep again.",
    ),
    "TIE-SWEEP-002": CatalogueEntry(
        "A sweep could not see all of an object",
        "Nothing was taken for deleted; clear what is named (it is on the desk), then sweep again.",
    ),
    "TIE-WEBHOOK-001": CatalogueEntry(
        "No such system that sends webhooks",
        "Name in the address a system of the firm directory whose connector takes webhooks.",
    ),
    "TIE-WEBHOOK-002": CatalogueEntry(
        "A webhook is not proven to be fresh and the vendor's own",
        "Check the webhook's secret and this machine's clock; what was told is read at the next poll anyway.",
    ),
    "TIE-WEBHOOK-003": CatalogueEntry(
        "A webhook is too large", "Nothing is to be done: what it told is read at the next poll."
    ),
    "TIE-WEBHOOK-004": CatalogueEntry(
        "A proven webhook cannot be read",
        "Compare what the vendor sends with the connector's how-to; what was told is read at the next poll.",
    ),
    "TIE-WEBHOOK-005": CatalogueEntry(
        "Webhooks cannot be checked",
        "Put the secret that the hub's log names where the firm directory says; the vendor sends the webhook again.",
    ),
    "TIE-WEBHOOK-006": CatalogueEntry(
        "More webhooks than the firm lets in",
        "Nothing is to be done: the vendor sends it again, or the next poll brings it. The limit is in tieout.toml.",
    ),
}
