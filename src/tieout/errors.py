"""Every exception of Tieout, grouped by what happens next, and the catalogue of their stable codes.

What is wrong with a *record* is not an exception but a finding (``tieout.model.finding``); these classes are for what
stops a *step*. The caller never parses a message: the class alone says what to do::

    TieoutError
     +-- ConfigurationError    stop; the operator must change something (a setting, a file, a command's argument)
     +-- AccessError           pause the connection; the other side refused our credentials or our permission
     +-- TransientError        do the same again, after ``retry_after_s`` if the other side named a time
     +-- UnknownOutcomeError   sent, no answer: look up by our own key first, never simply repeat
     +-- RejectedError         the other side understood and said no (``words``): to the desk, repeating is useless
     +-- ContractError         what arrived is not as its schema says: keep the raw payload, to the desk
     +-- InvariantError        our own bug; stop this stream loudly, change nothing

Neighbours: every package raises these, ``runtime`` and ``cli`` show them (``code``, ``message``, ``next_step``), and
``docs/reference/errors.md`` lists the same catalogue. To add a code, add one line to ``CATALOGUE``; codes are never
renumbered and never used twice.
"""

from typing import Final, NamedTuple


class CatalogueEntry(NamedTuple):
    """What a code means (``title``) and what the reader does about it (``next_step``)."""

    title: str
    next_step: str


_REPORT_IT: Final = (
    "This is a defect of Tieout: nothing was changed. Report it with this message and the log around it."
)

_COMPARE: Final = (
    "The payload is kept as received: compare it with the vendor's documentation; correct it in the source, send again."
)

CATALOGUE: Final[dict[str, CatalogueEntry]] = {
    "TIE-BAMBOOHR-001": CatalogueEntry("An answer of BambooHR cannot be read", _COMPARE),
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
    "TIE-FINDING-001": CatalogueEntry("A finding has a code that the catalogue does not have", _REPORT_IT),
    "TIE-ID-001": CatalogueEntry(
        "An identifier of another system is incomplete",
        "Correct the key of the record in its source; system, kind and value must be there, and its span have days.",
    ),
    "TIE-ID-002": CatalogueEntry("A value has no canonical form to hash", _REPORT_IT),
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
    "TIE-CONTROL-001": CatalogueEntry("A command would decide what a system decides itself", _REPORT_IT),
    "TIE-JOURNAL-001": CatalogueEntry("A journal line has no side or two", _REPORT_IT),
    "TIE-JOURNAL-002": CatalogueEntry("A journal does not balance", _REPORT_IT),
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
    "TIE-NETSUITE-001": CatalogueEntry(
        "The NetSuite connector does not know this object or stored position",
        "Correct the object's name in systems/, or reset its position; it is then read from the beginning.",
    ),
    "TIE-NETSUITE-002": CatalogueEntry("An answer of NetSuite cannot be read", _COMPARE),
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
    "TIE-NETSUITE-007": CatalogueEntry("NetSuite was given commands that one call cannot write", _REPORT_IT),
    "TIE-SALESFORCE-001": CatalogueEntry(
        "The Salesforce connector does not know this object or stored position",
        "Correct the object's name in systems/, or reset its position; it is then read from the beginning.",
    ),
    "TIE-SALESFORCE-002": CatalogueEntry("An answer of Salesforce cannot be read", _COMPARE),
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
    "TIE-SALESFORCE-010": CatalogueEntry("Salesforce was given commands that one call cannot write", _REPORT_IT),
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
    "TIE-RATE-001": CatalogueEntry("A rate has no day", _REPORT_IT),
    "TIE-RECORD-001": CatalogueEntry("The reference state has lost its row", _REPORT_IT),
    "TIE-RECORD-002": CatalogueEntry("A version of a record has no instant", _REPORT_IT),
    "TIE-RECORD-003": CatalogueEntry(
        "There is no such record", "Use the business code that the systems share; of a person the e-mail address."
    ),
    "TIE-RECORD-004": CatalogueEntry("The record has no such field", "Use one of the fields that the message names."),
    "TIE-RECORD-005": CatalogueEntry(
        "A record to be adopted is not known", "Use system and key as `tieout adopt --write` names them."
    ),
    "TIE-RECORD-006": CatalogueEntry(
        "Two records cannot be one",
        "Answer no, or correct the system that has both; `tieout explain` shows them.",
    ),
    "TIE-RECORD-007": CatalogueEntry(
        "A file of decisions cannot be read",
        "Keep the columns of `tieout adopt --write`; decide with yes or no.",
    ),
    "TIE-KANTATA-001": CatalogueEntry("An answer of Kantata cannot be read", _COMPARE),
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
    "TIE-KANTATA-006": CatalogueEntry("Kantata refused a request as such", _COMPARE),
    "TIE-TRYTON-001": CatalogueEntry(
        "The Tryton connection is not set up for this",
        "Correct the named setting of the system in systems/, or Tryton.",
    ),
    "TIE-TRYTON-002": CatalogueEntry("An answer of Tryton cannot be read", _COMPARE),
    "TIE-TRYTON-003": CatalogueEntry(
        "Tryton refused us",
        "Check the user's password, companies and rights in Tryton; the connection resumes by itself.",
    ),
    "TIE-TRYTON-004": CatalogueEntry(
        "Tryton is busy or unavailable", "It is repeated by itself; act only if it does not stop."
    ),
    "TIE-TRYTON-005": CatalogueEntry("The Tryton connector was used wrongly", _REPORT_IT),
    "TIE-REST-001": CatalogueEntry("An answer of a REST system cannot be read", _COMPARE),
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
    "TIE-REST-007": CatalogueEntry("A REST system was given a command that its definition does not have", _REPORT_IT),
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
    "TIE-PAYLOAD-001": CatalogueEntry("A payload is not JSON", _COMPARE),
    "TIE-PAYLOAD-002": CatalogueEntry("A payload is too large", _COMPARE),
    "TIE-PAYLOAD-003": CatalogueEntry("A payload is nested too deeply", _COMPARE),
    "TIE-PAYLOAD-004": CatalogueEntry("A payload names one member twice", _COMPARE),
    "TIE-PAYLOAD-005": CatalogueEntry("A payload contains a number that is none to us", _COMPARE),
    "TIE-PAYLOAD-006": CatalogueEntry("A payload contains text that is none", _COMPARE),
    "TIE-PAYLOAD-007": CatalogueEntry("A payload is not of the documented shape", _COMPARE),
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
    "TIE-BILLING-001": CatalogueEntry(
        "An account is not configured", "Add the account number to [accounts] of the entity's policy and apply."
    ),
    "TIE-BILLING-002": CatalogueEntry(
        "No system posts for a legal entity", "Add the entity to posts_for of a system and apply."
    ),
    "TIE-BILLING-003": CatalogueEntry("A legal entity has no policy", "Add policies/ENTITY.toml and apply."),
    "TIE-BILLING-004": CatalogueEntry("A delivery to be split is not there", _REPORT_IT),
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
    "TIE-DESK-001": CatalogueEntry("No such item on the desk", "List the items with `tieout exceptions list`."),
    "TIE-DESK-002": CatalogueEntry("An exclusion without a reason", "Give --reason; it stays in the history."),
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
    "TIE-OUTBOUND-002": CatalogueEntry("A delivery is neither a journal nor a master", _REPORT_IT),
    "TIE-OUTBOUND-003": CatalogueEntry("A master was treated as a journal", _REPORT_IT),
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
    "TIE-PROJECT-004": CatalogueEntry("What is stored of a project contradicts itself", _REPORT_IT),
    "TIE-SECRET-001": CatalogueEntry(
        "A secret cannot be read", "Set the environment variable or write the file that the reference names."
    ),
    "TIE-TIEOUT-001": CatalogueEntry("No such accounting period", "Name a legal entity and a period that the ERP has."),
    "TIE-TIEOUT-002": CatalogueEntry(
        "No such legal entity or period in the books", "Name one of those that the message lists."
    ),
    "TIE-INBOUND-001": CatalogueEntry("An entry was accepted without all that it needs", _REPORT_IT),
    "TIE-INBOUND-002": CatalogueEntry(
        "What was handed in is no time entry and no batch",
        'Send one entry as an object or a batch as {"time_entries": [...]}; it stands on the desk as it came.',
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
    "TIE-STORE-008": CatalogueEntry("A value cannot be written as COPY text", _REPORT_IT),
    "TIE-STORE-009": CatalogueEntry(
        "The database lost a session that a worker's claims depend on",
        "The worker gives up its claims and registers again by itself; if it repeats, look at the database's log.",
    ),
    "TIE-STORE-010": CatalogueEntry("A statement of storage was used wrongly", _REPORT_IT),
    "TIE-STORE-012": CatalogueEntry(
        "There is no hub in this home",
        "Name the right one with --home; `tieout demo` or `tieout apply` makes a new one.",
    ),
    "TIE-STORE-011": CatalogueEntry(
        "The limits of an account can never be met",
        "Correct the limits of that connection: each must be a positive number.",
    ),
}


class TieoutError(Exception):
    """What all our errors share; never raised itself.

    ``code`` is a key of ``CATALOGUE``; ``message`` says what happened, to which record and why, without secrets and
    without a stack trace's detail; ``next_step`` tells the reader what to do and comes from the catalogue unless the
    raiser knows better.
    """

    fallback_next_step = "Read the message and the log around it."

    def __init__(self, *, code: str, message: str, next_step: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        known = CATALOGUE.get(code)
        self.next_step = next_step or (known.next_step if known else self.fallback_next_step)

    def __str__(self) -> str:
        """One line for a log: code and message."""
        return f"{self.code}: {self.message}"


class ConfigurationError(TieoutError):
    """The operator must change something before this can work; repeating changes nothing."""

    fallback_next_step = "Correct what the message names, then run the command again."


class AccessError(TieoutError):
    """The other side refused our credentials or our permission: the connection pauses until a person acts."""

    fallback_next_step = "Renew the credentials or the permission of this connection; it resumes by itself."


class TransientError(TieoutError):
    """Safe to repeat as it is: the other side certainly did nothing, or doing it twice has no second effect.

    ``retry_after_s`` is the wait that the other side asked for in seconds, None where it asked for none.
    """

    fallback_next_step = "It is repeated by itself; act only if it does not stop."

    def __init__(
        self,
        *,
        code: str,
        message: str,
        next_step: str | None = None,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(code=code, message=message, next_step=next_step)
        self.retry_after_s = retry_after_s


class UnknownOutcomeError(TieoutError):
    """Sent, and no answer came: it may or may not have taken effect. Look up by our key; never simply repeat."""

    fallback_next_step = "It is held and looked up by itself; act only if it stays in doubt."


class RejectedError(TieoutError):
    """The other side understood the request and refused it; ``words`` are its own, for the person at the desk."""

    fallback_next_step = "Correct the record in its source or the target's set-up, then retry it from the desk."

    def __init__(self, *, code: str, message: str, words: str, next_step: str | None = None) -> None:
        super().__init__(code=code, message=message, next_step=next_step)
        self.words = words


class ContractError(TieoutError):
    """What arrived is not as its schema says; the raw payload is kept and shown."""

    fallback_next_step = "Compare the payload with the vendor's documentation; correct it in the source and send again."


class InvariantError(TieoutError):
    """Something that cannot be, is: our own bug. The stream stops, nothing more is written."""

    fallback_next_step = _REPORT_IT
