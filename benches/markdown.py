"""Tables in Markdown, which benchmarks print."""


def row(*cells: object) -> None:
    """Prints a row."""
    print(f"| {' | '.join(str(cell) for cell in cells)} |", flush=True)


def table(*head: str) -> None:
    """Begins a table."""
    print()
    row(*head)
    row(*["---"] * len(head))
