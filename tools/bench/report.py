# SPDX-License-Identifier: MIT
"""Results as text, Markdown and JSON."""
import json

def ratio(a, b):
    return a / b if a is not None and b else None

def number(value):
    if value is None:
        return '-'
    return f'{value:.2f}' if value < 10 else f'{value:.1f}' if value < 1000 else f'{value:.0f}'

def fixed(value):
    return '-' if value is None else f'{value:.2f}'

class Table:
    """One suite's values: for each row one of each system, and the ratios."""
    def __init__(self, suite, systems, values):
        self.suite, self.systems, self.rows = suite, systems, []
        for row in suite.ROWS:
            found = {s.name: row.value(values.get(s.name, {})) for s in systems}
            if any(v is not None for v in found.values()):
                self.rows.append((row, found))
        self.ratios = [(f'{a}/{b}', a, b) for a, b in (('pv', 'native'), ('pv', 'linux'), ('native', 'linux'), ('guest', 'native'),
                                                 ('guest', 'linux'))
                       if {a, b} <= {s.name for s in systems}]

    def head(self):
        return ['', *(s.title for s in self.systems), *(title for title, _, _ in self.ratios), 'paper Xen/Linux']

    def cells(self):
        for row, found in self.rows:
            yield [row.name, *((row.show or number)(found[s.name]) for s in self.systems),
                   *(fixed(ratio(found[a], found[b])) for _, a, b in self.ratios), fixed(row.paper)]

    def summary(self):
        """Which rows miss the paper's ratio, and where ring 1 is slower than Linux."""
        above = [f'{row.name} ({fixed(ratio(v["pv"], v["native"]))}, paper {fixed(row.paper)})' for row, v in self.rows
                 if row.paper and (ratio(v.get('pv'), v.get('native')) or 0) > row.paper * 1.005]
        slower = [f'{row.name} ({fixed(ratio(v["pv"], v["linux"]))})' for row, v in self.rows
                  if (ratio(v.get('pv'), v.get('linux')) or 0) > 1.1]
        names = {s.name for s in self.systems}
        if {'pv', 'native'} <= names and any(row.paper for row, _ in self.rows):
            yield 'Above the paper\'s ratio: ' + (', '.join(above) or 'none') + '.'
        if {'pv', 'linux'} <= names:
            yield 'Ring 1 slower than Linux by more than a tenth: ' + (', '.join(slower) or 'none') + '.'

def aligned(rows):
    rows = list(rows)
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    for row in rows:
        yield '  '.join(c.ljust(w) if i == 0 else c.rjust(w) for i, (c, w) in enumerate(zip(row, widths))).rstrip()

def markdown(rows):
    head, *body = rows
    yield '| ' + ' | '.join(head) + ' |'
    yield '|---|' + '---:|' * (len(head) - 1)
    for row in body:
        yield '| ' + ' | '.join(row) + ' |'

def counter_rows(counts, names):
    """A row for each operation: entries into ring 0, then the counters that grew, the largest first."""
    for name in names:
        grown = dict(counts.get(name, {}))
        ring0 = grown.pop('entries into ring 0', 0)
        if name in counts or counts:
            yield [name, number(ring0), ', '.join(f'{k} {number(v)}' for k, v in sorted(grown.items(), key=lambda i: -i[1]))]

def write_json(path, data):
    with open(path, 'w') as file:
        json.dump(data, file, indent=1)
        file.write('\n')
