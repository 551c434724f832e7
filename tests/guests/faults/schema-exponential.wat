;; Has a config schema that needs itself twice on each level of a value.
;; schema: { "$defs": { "a": { "anyOf": [ { "type": "string" }, { "items": { "allOf": [ { "$ref": "#/$defs/a" }, { "$ref": "#/$defs/a" } ] } } ] } }, "properties": { "key": { "$ref": "#/$defs/a" } } }
