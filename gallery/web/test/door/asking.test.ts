import assert from "node:assert/strict";
import test from "node:test";
import { Asking } from "../../src/door/asking";
import { readMe, type Me } from "../../src/net/me";

const me = (name: string | null): Me => readMe({ users: true, name, rights: [] })!;

/** What was asked, to be answered by the test, and what was heard. */
function fixture() {
  const asked: Asked[] = [];
  const heard: (string | null)[] = [];
  const ask = (): Promise<Me> => {
    asked.push(promise());
    return asked.at(-1)!.promise;
  };
  return { asked, heard, ask, asking: new Asking(ask, ({ name }) => heard.push(name)) };
}

interface Asked {
  promise: Promise<Me>;
  answer: (me: Me) => void;
  fail: () => void;
}

function promise(): Asked {
  let answer!: (me: Me) => void;
  let fail!: () => void;
  const promise = new Promise<Me>((done, failed) => {
    answer = done;
    fail = () => failed(new Error("no answer"));
  });
  return { promise, answer, fail };
}

test("one question is asked at a time, and after one without an answer the next", async () => {
  const { asked, heard, asking } = fixture();
  const looks = [asking.look(), asking.look()];
  assert.equal(asked.length, 1);
  asked[0]!.fail();
  await Promise.all(looks);
  const next = asking.look();
  asked[1]!.answer(me("ana"));
  await next;
  assert.deepEqual(heard, ["ana"]);
});

test("an answer that comes after a login does not log out who came in", async () => {
  const { asked, heard, ask, asking } = fixture();
  const late = asking.look();
  const login = asking.comeIn(ask);
  asked[1]!.answer(me("ana"));
  assert.equal((await login).name, "ana");
  const next = asking.look();
  asked[0]!.answer(me(null));
  await late;
  assert.deepEqual(heard, []);
  void asking.look();
  assert.equal(asked.length, 3, "the late one does not end the question after it");
  asked[2]!.answer(me("ana"));
  await next;
  assert.deepEqual(heard, ["ana"]);
});

test("an answer of before does not come between, while somebody logs in", async () => {
  const { asked, heard, ask, asking } = fixture();
  const late = asking.look();
  const login = asking.comeIn(ask);
  asked[0]!.answer(me(null));
  await late;
  const meanwhile = asking.look();
  assert.equal(asked.length, 2, "the login's answer says it");
  asked[1]!.answer(me("ana"));
  await Promise.all([login, meanwhile]);
  assert.deepEqual(heard, []);
});

test("after a login that failed, who is there is asked if that was to be known meanwhile", async () => {
  const { asked, heard, ask, asking } = fixture();
  const login = asking.comeIn(ask);
  const meanwhile = asking.look();
  asked[0]!.fail();
  await assert.rejects(login);
  assert.equal(asked.length, 2);
  asked[1]!.answer(me(null));
  await meanwhile;
  assert.deepEqual(heard, [null]);
});
