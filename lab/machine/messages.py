# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Error texts by language. Clients must never depend on them; the Korean ones are there to prove it."""

from __future__ import annotations

_ENGLISH = {
    "path_not_found": "Cannot find path '{0}' because it does not exist.",
    "registry_denied": "Requested registry access is not allowed.",
    "property_missing": "Property {0} does not exist at path {1}.",
    "command_missing": (
        "The term '{0}' is not recognized as the name of a cmdlet, function, script file, or operable program. "
        "Check the spelling of the name, or if a path was included, verify that the path is correct and try again."
    ),
    "parameter_missing": "A parameter cannot be found that matches parameter name '{0}'.",
    "positional_missing": "A positional parameter cannot be found that accepts argument '{0}'.",
    "mandatory_missing": "Cannot process command because of one or more missing mandatory parameters: {0}.",
    "not_in_set": "Cannot validate argument on parameter '{0}'. The argument \"{1}\" does not belong to the set.",
    "cannot_convert": "Cannot bind parameter '{0}'. Cannot convert value \"{1}\".",
    "input_not_bound": "The input object cannot be bound to any parameters for the command.",
    "parameter_sets": "Parameter set cannot be resolved using the specified named parameters.",
    "scripts_not_allowed": (
        "The syntax is not supported by this runspace. This can occur if the runspace is in no-language mode."
    ),
    "file_denied": "Access to the path '{0}' is denied.",
    "file_locked": "The process cannot access the file '{0}' because it is being used by another process.",
    "service_missing": "Cannot find any service with service name '{0}'.",
    "services_denied": (
        "Cannot open Service Control Manager on computer '.'. This operation might require other privileges."
    ),
    "wmi_denied": "Access denied ",
    "wmi_class": "Invalid class ",
    "wmi_namespace": "Invalid namespace ",
    "wmi_query": "Invalid query ",
    "wmi_method": "Invalid method ",
    "wmi_parameter": "Invalid parameter ",
    "variable_missing": "Cannot find a variable with the name '{0}'.",
    "drive_missing": "Cannot find drive. A drive with the name '{0}' does not exist.",
    "property_expand": 'Property "{0}" cannot be found.',
    "member_exists": 'Cannot add a member with the name "{0}" because a member with that name already exists.',
    "key_exists": "A key in this path already exists.",
    "disk_full": "There is not enough space on the disk.",
    "gpo_missing": "A GPO with the name or id '{0}' was not found.",
    "gpo_value_missing": 'The following Group Policy registry setting was not found: "{0}".',
    "process_missing": 'Cannot find a process with the name "{0}".',
    "item_exists": "The item '{0}' already exists.",
    "reserved_member": 'Cannot add a member with the name "{0}": the name is reserved.',
    "cannot_cast": "Specified cast is not valid.",
    "ambiguous_parameter": "Parameter cannot be processed because the parameter name '{0}' is ambiguous.",
    "parameter_twice": "Cannot bind parameter because parameter '{0}' is specified more than once.",
    "null_not_allowed": "Cannot bind argument to parameter '{0}' because it is null.",
    "empty_not_allowed": "Cannot bind argument to parameter '{0}' because it is an empty string.",
    "module_missing": "The module '{0}' could not be loaded.",
    "parent_missing": "The parent of '{0}' does not exist.",
    "selected_twice": 'The property cannot be processed because the property "{0}" already exists.',
    "empty_expression": "The expression cannot be an empty string.",
    "no_expression": "Null is no property.",
    "not_removed": "The key '{0}' cannot be removed.",
    "source_missing": "Cannot move item because the item at '{0}' does not exist.",
    "not_supported": "The provider does not support this.",
    "enum_missing": "Cannot bind parameter '{0}': \"{1}\" is none of its values.",
}
_KOREAN = {
    "path_not_found": "'{0}' 경로는 존재하지 않으므로 찾을 수 없습니다.",
    "registry_denied": "요청한 레지스트리 액세스가 허용되지 않습니다.",
    "property_missing": "{1} 경로에 {0} 속성이 없습니다.",
    "command_missing": (
        "'{0}' 용어가 cmdlet, 함수, 스크립트 파일 또는 실행할 수 있는 프로그램 이름으로 인식되지 않습니다. "
        "이름이 정확한지 확인하고 경로가 포함된 경우 경로가 올바른지 검증한 다음 다시 시도하십시오."
    ),
    "parameter_missing": "매개 변수 이름 '{0}'과(와) 일치하는 매개 변수를 찾을 수 없습니다.",
    "mandatory_missing": "하나 이상의 필수 매개 변수가 없으므로 명령을 처리할 수 없습니다. {0}",
    "file_denied": "'{0}' 경로에 대한 액세스가 거부되었습니다.",
    "file_locked": "다른 프로세스에서 사용 중이므로 프로세스에서 '{0}' 파일에 액세스할 수 없습니다.",
    "service_missing": "이름이 '{0}'인 서비스를 찾을 수 없습니다.",
    "services_denied": "'.' 컴퓨터에서 서비스 제어 관리자를 열 수 없습니다. 다른 권한이 필요할 수 있습니다.",
    "wmi_denied": "액세스가 거부되었습니다. ",
    "wmi_class": "클래스가 잘못되었습니다. ",
    "wmi_namespace": "네임스페이스가 잘못되었습니다. ",
    "variable_missing": "이름이 '{0}'인 변수를 찾을 수 없습니다.",
    "drive_missing": "드라이브를 찾을 수 없습니다. 이름이 '{0}'인 드라이브가 없습니다.",
}
LANGUAGES = {"en-US": _ENGLISH, "ko-KR": {**_ENGLISH, **_KOREAN}}


def message(language: str, key: str, *arguments: object) -> str:
    return LANGUAGES.get(language, _ENGLISH)[key].format(*arguments)
