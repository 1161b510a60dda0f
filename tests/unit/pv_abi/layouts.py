# SPDX-License-Identifier: MIT
"""Structure layouts and enumerators of an object file, read from its DWARF through readelf.

layouts(object) gives {"struct name": (bytes, {"member.path": (offset, bytes)})} and {enumerator: value}.
Anonymous members are transparent; a guest handle (a structure or union whose members are p, or p and q)
counts as one scalar, however a header spells it.
"""
import re
import subprocess

DIE = re.compile(r"^ <(\d+)><([0-9a-f]+)>: Abbrev Number: \d+ \((DW_TAG_\w+)\)")
ATTRIBUTE = re.compile(r"^\s+<[0-9a-f]+>\s+(DW_AT_\w+)\s*:\s*(.*)$")
# What readelf, by its version, puts before a value: the form, and where a string is kept.
FORM = re.compile(r"^\([a-z_]+\d*\) ")
STRING = re.compile(r"^\([a-z ,]*offset: [^)]*\): ")
RECORDS = {"DW_TAG_structure_type": "struct", "DW_TAG_union_type": "union"}


class Die:
    def __init__(self, tag):
        self.tag, self.attributes, self.children = tag, {}, []

    @property
    def name(self):
        return self.attributes.get("DW_AT_name")

    def number(self, attribute):
        text = self.attributes.get(attribute)
        return None if text is None else int(text.split()[0], 0)


def read_dies(path):
    """All entries by offset, each with its children."""
    text = subprocess.run(["readelf", "--debug-dump=info", "-W", path], check=True,
                          capture_output=True, text=True).stdout
    dies, stack = {}, []
    for line in text.splitlines():
        if found := DIE.match(line):
            depth, offset, tag = int(found[1]), found[2], found[3]
            die = dies[offset] = Die(tag)
            del stack[depth:]
            if stack:
                stack[-1].children.append(die)
            stack.append(die)
        elif stack and (found := ATTRIBUTE.match(line)):
            value = STRING.sub("", FORM.sub("", found[2].strip()))
            stack[-1].attributes[found[1]] = value.strip()
    return dies


class Layouts:
    def __init__(self, path):
        self.dies = read_dies(path)

    def type_of(self, die):
        reference = re.match(r"<0x([0-9a-f]+)>", die.attributes.get("DW_AT_type", ""))
        return self.dies[reference[1]] if reference else None

    def resolve(self, die):
        """The type below typedefs and qualifiers."""
        while die is not None and die.tag in ("DW_TAG_typedef", "DW_TAG_const_type",
                                              "DW_TAG_volatile_type"):
            die = self.type_of(die)
        return die

    def size(self, die):
        die = self.resolve(die)
        if die.tag == "DW_TAG_array_type":
            count = 1
            for bound in die.children:
                if (length := bound.number("DW_AT_count")) is None:
                    upper = bound.number("DW_AT_upper_bound")
                    length = 0 if upper is None else upper + 1
                count *= length
            return count * self.size(self.type_of(die))
        return die.number("DW_AT_byte_size") or 0

    def is_handle(self, record):
        names = []
        for member in record.children:
            if member.tag != "DW_TAG_member":
                continue
            inner = self.resolve(self.type_of(member))
            if member.name is None and inner.tag in RECORDS:
                names += [part.name for part in inner.children]
            else:
                names.append(member.name)
        return names in (["p"], ["p", "q"])

    def members(self, record, prefix="", base=0):
        found = {}
        for member in record.children:
            if member.tag != "DW_TAG_member":
                continue
            inner = self.resolve(self.type_of(member))
            offset = base + (member.number("DW_AT_data_member_location") or 0)
            path = prefix + (member.name or "")
            if member.name:
                found[path] = (offset, self.size(inner))
            if inner.tag in RECORDS and not self.is_handle(inner):
                found.update(self.members(inner, path + "." if member.name else prefix, offset))
        return found

    def collect(self):
        records, enumerators = {}, {}
        for die in self.dies.values():
            if die.tag == "DW_TAG_enumerator":
                enumerators[die.name] = die.number("DW_AT_const_value")
            kind, record = RECORDS.get(die.tag), die
            if die.tag == "DW_TAG_typedef":  # a structure known by its typedef only
                record = self.type_of(die)
                if record is None or record.tag not in RECORDS or record.name:
                    continue
                kind = "typedef"
            if kind and die.name and not die.name.startswith("__guest_handle"):
                if "DW_AT_declaration" in record.attributes:
                    continue
                records[f"{kind} {die.name}"] = (self.size(record), self.members(record))
        return records, enumerators


def layouts(path):
    return Layouts(path).collect()
