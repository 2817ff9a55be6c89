"""The table: for each server and load the median, in thousands a second, and how it compares."""
from statistics import median

from measure import LOADS

# What the rows of DOG in every language are held against: the same engine and queue with no language in between.
BARE = "C DOG, events"


def table(servers, results):
    references = {server.language: server.label for server in servers if server.is_reference}

    def cells(server, load):
        numbers = results[server.label, load.name]
        is_dog = server.name.startswith("DOG")
        yield f"{median(numbers) / 1000:,.1f}" if numbers else "-"
        yield ratio(numbers, results.get((references.get(server.language), load.name)))
        yield ratio(numbers, results.get((BARE, load.name))) if is_dog else ""

    rows = [["", "", *(cell for load in LOADS for cell in (load.name, "", ""))],
            ["language", "server", *(cell for load in LOADS for cell in ("1,000/s", "ratio", "of C"))]]
    rows += [[server.language, f"{server.name} {server.version}".strip(),
              *(cell for load in LOADS for cell in cells(server, load))] for server in servers]
    return [line(row, widths_of(rows)) for row in rows]


def ratio(numbers, others):
    """The median over the rounds that have both: two numbers of one round were measured soon after one another."""
    both = [number / other for number, other in zip(numbers, others or [])]
    return f"{median(both):.2f}" if both else ""


def widths_of(rows):
    """Of each column; a load's name, in the first row, spans three."""
    return [max(len(row[column]) for row in rows[1:]) for column in range(len(rows[0]))]


def line(row, widths):
    if not row[0]:
        spans = [sum(widths[at:at + 3]) + 4 for at in range(2, len(row), 3)]
        return (" " * (sum(widths[:2]) + 2) + "".join(f"   {name:>{span}}" for name, span in zip(row[2::3], spans)))
    text = "  ".join(f"{cell:{width}}" for cell, width in zip(row[:2], widths))
    for at in range(2, len(row), 3):
        text += "   " + "  ".join(f"{cell:>{width}}" for cell, width in zip(row[at:at + 3], widths[at:at + 3]))
    return text.rstrip()
