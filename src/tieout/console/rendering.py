"""Pages out of templates: one environment with the figures of the house as filters, escaping always on.

Neighbours: ``view`` brings what every page needs; ``assets`` names stylesheet and script.
"""

from importlib.resources import files
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from tieout.console import figures
from tieout.console.assets import asset_path
from tieout.console.query import segment
from tieout.model.money import alpha_code


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(str(files("tieout.console").joinpath("templates"))),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.filters.update(
        count=figures.count,
        hours=figures.hours,
        decimal=figures.decimal_amount,
        amount=figures.amount,
        amounts=figures.amounts,
        short=figures.short,
        age=figures.age,
        duration=figures.duration,
        exact=figures.exact,
        civil=figures.civil,
        words=figures.words,
        known=figures.known,
        segment=segment,
        alpha=alpha_code,
    )
    environment.globals.update(asset=asset_path)
    return environment


_ENVIRONMENT: Final = _environment()


def render(template: str, context: dict[str, object]) -> str:
    """The text of ``template``; a name that it uses and is not given is a defect."""
    return _ENVIRONMENT.get_template(template).render(context)
