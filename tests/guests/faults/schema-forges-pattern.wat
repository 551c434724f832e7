;; Has a schema that cannot be used, with a pattern that would begin a line of its own.
;; schema: {"type":"object","properties":{"a":{"type":"string","pattern":"(\u000aFORGED\u001b[31m"}}}
