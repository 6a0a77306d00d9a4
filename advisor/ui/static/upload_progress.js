if (!window.uploadsTold) {
  window.uploadsTold = true;
  const send = XMLHttpRequest.prototype.send;
  XMLHttpRequest.prototype.send = function (body) {
    if (body instanceof FormData)
      this.upload.addEventListener("progress", ({ lengthComputable, loaded, total }) => {
        if (lengthComputable)
          document.documentElement.style.setProperty("--uploaded", `"${Math.floor(100 * loaded / total)} %"`);
      });
    return send.call(this, body);
  };
}
