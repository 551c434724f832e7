;; Has a pattern in its config schema that takes others exponential time.
;; schema: { "properties": { "key": { "type": "string", "pattern": "^(a+)+$" } } }
