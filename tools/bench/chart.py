# SPDX-License-Identifier: MIT
"""Bar charts as SVG: one group of bars a row, each as long as the row's ratio to a base system; a mark where the paper is."""
from html import escape

BAR, GAP, LEFT, WIDTH, RIGHT, TOP = 12, 10, 210, 520, 70, 64
COLOURS = ('#4477aa', '#cc6677', '#999933', '#44aa99')      # distinct for every eye (P. Tol)

def text(x, y, content, anchor='start', size=12, colour='#222'):
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}" fill="{colour}">{escape(content)}</text>'

def ratio_chart(title, base, systems, rows):
    """rows: [(name, {system name: ratio to base}, the paper's ratio or None)]; returns the SVG's text."""
    longest = max([1.5, *(min(v, 6) for _, ratios, paper in rows for v in (*ratios.values(), paper or 0) if v)])
    scale = WIDTH / longest
    group = BAR * len(systems) + GAP
    height = TOP + group * len(rows) + 30
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{LEFT + WIDTH + RIGHT}" height="{height}" '
           'font-family="sans-serif">', '<rect width="100%" height="100%" fill="white"/>', text(10, 22, title, size=15)]
    x = 10
    for system, colour in zip(systems, COLOURS):
        out.append(f'<rect x="{x}" y="34" width="12" height="12" fill="{colour}"/>' + text(x + 16, 45, system.title))
        x += 30 + 7 * len(system.title)
    out.append(f'<rect x="{x}" y="33" width="3" height="14" fill="black"/>' + text(x + 8, 45, 'Xen/Linux, SOSP 2003'))
    for step in range(int(longest * 2) + 1):
        at = LEFT + step / 2 * scale
        out.append(f'<line x1="{at:.1f}" y1="{TOP - 6}" x2="{at:.1f}" y2="{height - 24}" stroke="{"#888" if step == 2 else "#ddd"}"/>')
        out.append(text(at, height - 8, f'{step / 2:g}', 'middle', 11))
    y = TOP
    for name, ratios, paper in rows:
        out.append(text(LEFT - 8, y + (group - GAP) / 2 + 4, name, 'end'))
        for i, system in enumerate(systems):
            value = ratios.get(system.name)
            if value is None:
                continue
            length, top = min(value, longest) * scale, y + i * BAR
            out.append(f'<rect x="{LEFT}" y="{top}" width="{length:.1f}" height="{BAR - 2}" fill="{COLOURS[i]}"/>')
            out.append(text(LEFT + length + 4, top + BAR - 3, f'{value:.2f}', size=10, colour='#555'))
        if paper:
            at = LEFT + min(paper, longest) * scale
            out.append(f'<rect x="{at - 1.5:.1f}" y="{y - 2}" width="3" height="{group - GAP + 2}" fill="black"/>')
        y += group
    return '\n'.join(out + ['</svg>']) + '\n'
