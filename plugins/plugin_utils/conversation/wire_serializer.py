# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""How pypsrp's messages become CLIXML, and what is left as CLIXML: the serialiser of the conversation's runspace."""

from __future__ import annotations

import typing as t
from copy import copy
from dataclasses import dataclass
from xml.etree import ElementTree
from xml.sax.saxutils import escape

from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.fragments import ErrorText

try:
    from pypsrp.complex_objects import ObjectMeta
    from pypsrp.messages import CreatePipeline, ErrorRecordMessage
    from pypsrp.serializer import Serializer, TaggedValue
except ImportError:
    if not t.TYPE_CHECKING:
        Serializer = object

_MERGES = (
    ("merge_my_result", "MergeMyResult"),
    ("merge_to_result", "MergeToResult"),
    ("merge_previous", "MergePreviousResults"),
)
OPTIONAL_MERGES = ("merge_error", "merge_warning", "merge_verbose", "merge_debug", "merge_information")
_COMMANDS_HERE = "commands of a statement"
_LIST_OF_OBJECTS = (
    (
        "System.Collections.Generic.List`1[[System.Management.Automation.PSObject, System.Management.Automation, "
        "Version=1.0.0.0, Culture=neutral, PublicKeyToken=31bf3856ad364e35]]"
    ),
    "System.Object",
)


@dataclass
class Ready:
    """The CLIXML of a pipeline, once it was made: a fleet is asked the same again and again."""

    clixml: bytes | None = None


class WireSerializer(Serializer):
    """Hands the CLIXML of output objects and error records over as it came.

    pypsrp leaves a list of a type that it does not know as raw text, and does not tell a 32-bit number from a 64-bit
    one; its own deserialiser is also a third of its cost. The commands of a pipeline are written as text, as the same
    bytes, which were a quarter of the rest. Everything else of the protocol is left to pypsrp.
    """

    keeps_clixml = True

    def serialize(self, value: t.Any, metadata: t.Any = None, parent: t.Any = None, clear: bool = True) -> t.Any:
        if isinstance(value, CreatePipeline) and parent is None:
            ready: Ready | None = getattr(value, "ready", None)
            if ready is None:
                return self._message(value)
            if ready.clixml is None:
                ready.clixml = self._message(value)
            return ready.clixml
        # pypsrp writes the type into the metadata, where a shared command would find it the second time.
        if isinstance(value, TaggedValue):
            metadata = copy(metadata)
        return super().serialize(value, metadata, parent, clear)

    def _message(self, message: t.Any) -> bytes:
        self._written: list[str] = []
        element: t.Any = super().serialize(message)
        text = ElementTree.tostring(element, encoding="unicode")
        # An empty list of commands does not exist, so nothing else of a frame looks like this.
        parts = zip(text.split(_COMMANDS_HERE), [*self._written, ""], strict=True)
        return "".join(part + commands for part, commands in parts).encode(errors="xmlcharrefreplace")

    def _serialize_lst(self, metadata: t.Any, values: t.Any, tag: str = "LST") -> t.Any:
        if metadata.name != "Cmds":
            return super()._serialize_lst(metadata, values, tag)
        element: t.Any = super()._serialize_lst(metadata, [], tag)
        element[-1].text = _COMMANDS_HERE
        self._written.append("".join(map(self._command, values)))
        return element

    def _command(self, command: t.Any) -> str:
        merges = [(name, getattr(command, attribute)) for attribute, name in _MERGES]
        merged = any(merge.value != merge.NONE for _name, merge in merges)
        merged = merged or any(getattr(command, name) is not None for name in OPTIONAL_MERGES)
        if merged or command.is_script is not False or command.use_local_scope is not None:
            return self._text_of(self._serialize_obj(ObjectMeta(), command))
        parts = [f'<Obj RefId="{self._get_obj_id()}"><MS>{self._string("Cmd", command.cmd)}']
        parts.append('<B N="IsScript">false</B><Nil N="UseLocalScope" />')
        for name, merge in merges:
            parts.append(f'<Obj RefId="{self._get_obj_id()}" N="{name}">{self._type_names(merge._types)}')
            parts.append("<ToString>None</ToString><I32>0</I32></Obj>")
        parts.append(f'<Obj RefId="{self._get_obj_id()}" N="Args">{self._type_names(_LIST_OF_OBJECTS)}')
        parts.append(f"<LST>{''.join(map(self._parameter, command.args))}</LST>" if command.args else "<LST />")
        return "".join([*parts, "</Obj></MS></Obj>"])

    def _parameter(self, parameter: t.Any) -> str:
        start = f'<Obj RefId="{self._get_obj_id()}"><MS>{self._string("N", parameter.name)}'
        if parameter.value is None or isinstance(parameter.value, str):
            return f"{start}{self._string('V', parameter.value)}</MS></Obj>"
        value = self.serialize(parameter.value, ObjectMeta(name="V"), clear=False)
        return f"{start}{self._text_of(value)}</MS></Obj>"

    def _string(self, name: str, text: str | None) -> str:
        if text is None:
            return f'<Nil N="{name}" />'
        return f'<S N="{name}">{escape(self._serialize_string(text) or "")}</S>' if text else f'<S N="{name}" />'

    def _type_names(self, types: t.Sequence[str]) -> str:
        known = self.tn.get(types[0])
        if known is not None:
            return f'<TNRef RefId="{known}" />'
        holder = ElementTree.Element("Obj")
        self._create_tn(holder, list(types))
        return self._text_of(holder[0])

    @staticmethod
    def _text_of(element: t.Any) -> str:
        return ElementTree.tostring(element, encoding="unicode")

    def deserialize(self, element: t.Any, metadata: t.Any = None, clear: bool = True) -> t.Any:
        if metadata is None and isinstance(element, str):
            return element
        if isinstance(element, str) and getattr(metadata, "object", None) is ErrorRecordMessage:
            return ErrorText(element)
        return super().deserialize(element, metadata, clear)
