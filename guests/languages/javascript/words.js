// The first node of the chain (`wit/chain`): cuts text into words and keeps them.

class Document {
  #words;

  constructor(text) {
    this.#words = text.split(/\s+/u).filter((word) => word !== '');
  }

  count() {
    return this.#words.length;
  }

  word(index) {
    return this.#words[index];
  }

  /** Not a method of the resource. The first of those that are equally long. */
  static longest(of) {
    const length = (word) => [...word].length;
    return of.#words.reduce((longest, word) =>
      longest === undefined || length(word) > length(longest) ? word : longest, undefined);
  }
}

export const words = { Document, longest: Document.longest };
