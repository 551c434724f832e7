;; Has a config schema that is JSON, but no schema.
;; schema: { "type": "banana", "properties": 7 }
