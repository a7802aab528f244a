import pytest

from tieout.connect.conformance import conformance_class

pytestmark = [pytest.mark.real_erp, pytest.mark.timeout(900)]

TestTryton = conformance_class("tryton")
