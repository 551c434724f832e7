// The tests' guest in JavaScript: asks who it is, tells the upstream, and marks the response.
import { header, setHeader } from 'tollgate:plugin/request@0.1.0';
import * as response from 'tollgate:plugin/response@0.1.0';
import { get, set } from 'tollgate:plugin/attributes@0.1.0';

const upper = (chunk) => bytes(String.fromCharCode(...chunk).toUpperCase());
const bytes = (text) => Uint8Array.from(text, (character) => character.charCodeAt(0));

export const lifecycle = {
  describe() {
    return { name: 'guest-javascript', version: '0.1.0', summary: 'Asks who it is', configSchema: '', wants: [] };
  },
  configure() {},
};

export const requestFilter = {
  onRequest() {
    const who = header('x-who');
    if (who === undefined || who === null) {
      const headers = [{ name: 'x-asked-by', value: 'javascript' }];
      return { tag: 'respond', val: { status: 401, headers, body: bytes('who are you?') } };
    }
    set('guest.who', who);
    setHeader('x-greeting', `hello ${who}`);
    return { tag: 'next' };
  },
  onRequestBody() {
    return { tag: 'next' };
  },
};

export const responseFilter = {
  onResponse() {
    response.setHeader('x-guest', `${get('guest.who') ?? 'nobody'} ${response.status()}`);
    if (response.header('x-stream')) set('guest.stream', '1');
    return response.header('x-shout') ? { tag: 'need-body', val: 1000 } : { tag: 'next' };
  },
  onResponseBody(body) {
    response.setBody(upper(body));
    return { tag: 'next' };
  },
};

export const bodyFilter = {
  onRequestChunk() {
    return { tag: 'done' };
  },
  onResponseChunk(chunk) {
    return get('guest.stream') ? { tag: 'replace', val: upper(chunk) } : { tag: 'done' };
  },
};
