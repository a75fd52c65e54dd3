"""Words to choose from at the command line, however they are joined: `write-off`, and the domain's own `write_off`."""

import click


class Words(click.Choice[str]):
    """A choice of words with hyphens, which takes underscores for them: in a spec and in JSON they have these."""

    def normalize_choice(self, choice: object, ctx: click.Context | None) -> str:
        """What is compared."""
        return super().normalize_choice(choice, ctx).replace("_", "-")
