"""The smallest workbooks that spreadsheet readers accept, written by hand: no test needs a writer of its own."""

import io
import zipfile
from collections.abc import Mapping
from xml.sax.saxutils import escape

_DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>'
_OOXML = "http://schemas.openxmlformats.org"
_PACKAGE = f"{_OOXML}/package/2006"
_OFFICE = f"{_OOXML}/officeDocument/2006/relationships"
_MAIN = f"{_OOXML}/spreadsheetml/2006/main"
_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_ODF = "urn:oasis:names:tc:opendocument:xmlns"
_ODS = "application/vnd.oasis.opendocument.spreadsheet"


def xlsx(*sheets: Mapping[str, str | float]) -> io.BytesIO:
    """A workbook of sheets given as `{"B3": "Nom", "C3": 2250708091011}`, cells in the order of their rows."""
    names = range(1, len(sheets) + 1)
    overrides = "".join(
        f'<Override PartName="/xl/worksheets/sheet{n}.xml" ContentType="{_TYPE}.worksheet+xml"/>' for n in names
    )
    entries = "".join(f'<sheet name="Feuil{n}" sheetId="{n}" r:id="r{n}"/>' for n in names)
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{_PACKAGE}/content-types"><Default Extension="rels" '
        'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{_TYPE}.sheet.main+xml"/>{overrides}</Types>',
        "_rels/.rels": _relationships({"r1": ("officeDocument", "xl/workbook.xml")}),
        "xl/workbook.xml": f'<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><sheets>{entries}</sheets></workbook>',
        "xl/_rels/workbook.xml.rels": _relationships(
            {f"r{n}": ("worksheet", f"worksheets/sheet{n}.xml") for n in names}
        ),
    }
    parts |= {f"xl/worksheets/sheet{n}.xml": _worksheet(sheet) for n, sheet in enumerate(sheets, 1)}
    return _zipped(parts)


def ods(rows: list[list[str]]) -> io.BytesIO:
    """A document of one sheet, all cells text."""
    lines = "".join(
        "<table:table-row>"
        + "".join(
            f'<table:table-cell office:value-type="string"><text:p>{escape(cell)}</text:p></table:table-cell>'
            for cell in row
        )
        + "</table:table-row>"
        for row in rows
    )
    spaces = " ".join(f'xmlns:{name}="{_ODF}:{name}:1.0"' for name in ("office", "table", "text"))
    return _zipped(
        {
            "mimetype": _ODS,
            "META-INF/manifest.xml": f'<m:manifest xmlns:m="{_ODF}:manifest:1.0">'
            f'<m:file-entry m:full-path="/" m:media-type="{_ODS}"/></m:manifest>',
            "content.xml": f"<office:document-content {spaces}><office:body><office:spreadsheet>"
            f'<table:table table:name="Feuil1">{lines}</table:table>'
            "</office:spreadsheet></office:body></office:document-content>",
        }
    )


def _worksheet(cells: Mapping[str, str | float]) -> str:
    rows: dict[str, str] = {}
    for reference, value in cells.items():
        row = reference.lstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
        content = (
            f'<c r="{reference}"><v>{value}</v></c>'
            if isinstance(value, int | float)
            else f'<c r="{reference}" t="inlineStr"><is><t>{escape(value)}</t></is></c>'
        )
        rows[row] = rows.get(row, "") + content
    data = "".join(f'<row r="{row}">{content}</row>' for row, content in rows.items())
    return f'<worksheet xmlns="{_MAIN}"><sheetData>{data}</sheetData></worksheet>'


def _relationships(targets: Mapping[str, tuple[str, str]]) -> str:
    entries = "".join(
        f'<Relationship Id="{name}" Type="{_OFFICE}/{kind}" Target="{target}"/>'
        for name, (kind, target) in targets.items()
    )
    return f'<Relationships xmlns="{_PACKAGE}/relationships">{entries}</Relationships>'


def _zipped(parts: Mapping[str, str]) -> io.BytesIO:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content if name == "mimetype" else _DECLARATION + content)
    file.seek(0)
    return file
