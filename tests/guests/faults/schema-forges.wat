;; Has a schema whose keys and descriptions would colour a terminal and begin lines of their own.
;; schema: {"type":"object","required":["forges\u001b[31m\u000aFORGED\u202e"],"properties":{"forges\u001b[31m\u000aFORGED\u202e":{"type":"string","description":"d\u001b[2J\u000aFORGED"}}}
