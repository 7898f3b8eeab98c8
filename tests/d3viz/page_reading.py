"""What a page is told, read back; and a name that would break a page which does not escape it."""

import json
import re

NASTY = '</script><b id="bold">bold</b><img src=x onerror="alert(1)"> {{data}} <!-- & \u2028 \\u003c'


def data_in(page):
    """What the page is told of the graph."""
    (text,) = re.findall(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    return json.loads(text)
