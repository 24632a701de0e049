/**
 * Does all items, as many at a time as there are lanes; none is begun after one was ended by a signal.
 * @param act called with an item, the number of its lane from 0, and its place as text: "3/58"
 * @returns what `act` resolved to, in the order of their ends
 */
export async function inLanes(items, lanes, act) {
  const results = [];
  let next = 0;
  const lane = async (number) => {
    while (next < items.length && !results.some(({ code }) => code > 128)) {
      const index = next++;
      results.push(await act(items[index], number, `${index + 1}/${items.length}`));
    }
  };
  await Promise.all(Array.from({ length: lanes }, (_, number) => lane(number)));
  return results;
}
