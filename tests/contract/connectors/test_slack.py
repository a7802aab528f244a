"""The connector keeps every promise that the conformance suite knows of."""

from tieout.connect.conformance import conformance_class

TestSlack = conformance_class("slack")
