// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {FishermanRegistry} from "contracts/FishermanRegistry.sol";
import {World} from "./World.sol";

contract RegistryTest is World {
    function test_the_weights_of_active_members_are_the_denominator() public view {
        eq(registry.totalWeight(), 4000 * TOKEN, "four of a thousand");
        eq(registry.activeWeightOf(member(0)), 1000 * TOKEN, "one of them");
        eq(registry.activeWeightOf(stranger), 0, "nobody");
    }
}
