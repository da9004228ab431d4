// No answer is lost. The server ends a page's stream of answers when nothing is left to answer, and
// the page then breaks it off (Gradio 6.31). What is asked while that word is on its way would be
// answered into a stream that nobody reads, or dropped by the server with the stream that was broken
// off, and a button or a row would wait for ever. So a stream ends for the page only when it has
// ended at the server and all that was asked is answered, else it is opened again; and what is asked
// meanwhile waits until the page has closed it.
(function () {
  "use strict";
  const ASKED = /\/queue\/join\b/;
  const ANSWERS = /\/queue\/data\b/;
  const HEAD = 200; // characters: a message begins with its kind and the id of its event
  const PATIENCE = 1000; // ms for the page to close a stream
  const open = new Set(); // events that are not answered yet
  const ahead = new Set(); // answered before the page was told their id
  const ask = window.fetch;
  let closed = Promise.resolve();

  async function asked(...request) {
    const reply = await ask(...request);
    const { event_id: id } = await reply.clone().json().catch(() => ({}));
    if (id && !ahead.delete(id)) open.add(id);
    await closed;
    return reply;
  }

  function answered(id) {
    if (!open.delete(id)) ahead.add(id);
  }

  function closing(signal) {
    const seen = new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
    const late = new Promise((resolve) => setTimeout(resolve, PATIENCE));
    closed = Promise.race([seen, late]);
  }

  async function* messages(reply) {
    const reader = reply.body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = "";
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      const whole = (rest + value).split("\n\n");
      rest = whole.pop();
      for (const message of whole) yield message;
    }
  }

  async function* told(request, reply) {
    for (;;) {
      let end;
      for await (const message of messages(reply)) {
        const head = message.slice(0, HEAD);
        if (head.includes('"msg":"process_completed"')) answered(/"event_id":"(\w+)"/.exec(head)?.[1]);
        if (head.includes('"msg":"close_stream"')) end = message;
        else yield message + "\n\n";
      }
      if (!end) return; // cut off
      if (!open.size) {
        closing(request.signal);
        yield end + "\n\n";
        return;
      }
      reply = await ask(request.clone());
      if (!reply.ok) return;
    }
  }

  async function answers(...asked) {
    const request = new Request(...asked);
    const reply = await ask(request.clone());
    if (!reply.ok) return reply;
    const parts = told(request, reply);
    const text = new ReadableStream({
      async pull(controller) {
        const { value, done } = await parts.next();
        if (done) controller.close();
        else controller.enqueue(value);
      },
    });
    return new Response(text.pipeThrough(new TextEncoderStream()), { headers: { "Content-Type": "text/event-stream" } });
  }

  window.fetch = (...request) => {
    const address = String(request[0].url ?? request[0]);
    if (ASKED.test(address)) return asked(...request);
    if (ANSWERS.test(address)) return answers(...request);
    return ask(...request);
  };
})();
