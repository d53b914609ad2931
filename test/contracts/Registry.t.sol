// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {FishermanRegistry} from "contracts/FishermanRegistry.sol";
import {World} from "./World.sol";

contract RegistryTest is World {
    address internal newcomer = address(0x9999);

    function test_the_weights_of_active_members_are_the_denominator() public view {
        eq(registry.totalWeight(), 4000 * TOKEN, "four of a thousand");
        eq(registry.activeWeightOf(member(0)), 1000 * TOKEN, "one of them");
        eq(registry.activeWeightOf(stranger), 0, "nobody");
    }

    function testFuzz_weight_is_bond_up_to_the_cap(uint256 bond) public {
        bond = bound(bond, 250 * TOKEN, 5000 * TOKEN);
        join(newcomer, bond);
        eq(registry.activeWeightOf(newcomer), 0, "not yet");
        eq(registry.totalWeight(), 4000 * TOKEN, "not yet in the sum");
        pass(119);
        eq(registry.activeWeightOf(newcomer), 0, "a second too early");
        pass(1);
        uint256 weight = bond < 1000 * TOKEN ? bond : 1000 * TOKEN;
        eq(registry.activeWeightOf(newcomer), weight, "own weight");
        eq(registry.totalWeight(), 4000 * TOKEN + weight, "sum");
    }

    function test_a_bond_below_the_minimum_is_refused() public {
        give(newcomer, 250 * TOKEN);
        vm.startPrank(newcomer);
        token.approve(address(registry), 250 * TOKEN);
        fails(FishermanRegistry.BondTooSmall.selector);
        registry.register(250 * TOKEN - 1, new bytes(96), new bytes(48));
        fails(FishermanRegistry.BondTooSmall.selector);
        registry.register(uint256(type(uint128).max) + 1, new bytes(96), new bytes(48));
        registry.register(250 * TOKEN, new bytes(96), new bytes(48));
        vm.stopPrank();
    }

    function test_keys_have_exactly_their_length() public {
        vm.startPrank(newcomer);
        fails(FishermanRegistry.WrongKeyLength.selector);
        registry.register(250 * TOKEN, new bytes(95), new bytes(48));
        fails(FishermanRegistry.WrongKeyLength.selector);
        registry.register(250 * TOKEN, new bytes(97), new bytes(48));
        fails(FishermanRegistry.WrongKeyLength.selector);
        registry.register(250 * TOKEN, new bytes(96), new bytes(47));
        fails(FishermanRegistry.WrongKeyLength.selector);
        registry.register(250 * TOKEN, new bytes(96), new bytes(49));
        vm.stopPrank();
    }

    function test_nobody_registers_twice() public {
        vm.prank(member(0));
        fails(FishermanRegistry.AlreadyRegistered.selector);
        registry.register(250 * TOKEN, new bytes(96), new bytes(48));
    }

    function test_the_list_is_bounded_and_a_seat_becomes_free() public {
        for (uint256 i = 0; i < 20; i++) join(address(uint160(0x5000 + i)), 250 * TOKEN);
        give(newcomer, 250 * TOKEN);
        vm.startPrank(newcomer);
        token.approve(address(registry), 250 * TOKEN);
        fails(FishermanRegistry.RegistryFull.selector);
        registry.register(250 * TOKEN, new bytes(96), new bytes(48));
        vm.stopPrank();
        leaves(member(0));
        vm.prank(newcomer);
        registry.register(250 * TOKEN, new bytes(96), new bytes(48));
        eq(registry.members().length, 24, "full again");
    }

    function leaves(address who) internal {
        vm.prank(who);
        registry.requestExit();
        pass(21 days);
        vm.prank(who);
        registry.withdraw();
    }

    function test_leaving_takes_the_weight_at_once_and_the_bond_later() public {
        vm.prank(member(1));
        registry.requestExit();
        eq(registry.activeWeightOf(member(1)), 0, "no weight");
        eq(registry.totalWeight(), 3000 * TOKEN, "out of the sum");
        vm.prank(member(1));
        fails(FishermanRegistry.AlreadyExiting.selector);
        registry.requestExit();
        pass(21 days - 1);
        vm.prank(member(1));
        fails(FishermanRegistry.ExitNotOver.selector);
        registry.withdraw();
        pass(1);
        vm.prank(member(1));
        registry.withdraw();
        eq(token.balanceOf(member(1)), 1000 * TOKEN, "bond back");
        eq(registry.members().length, 3, "forgotten");
        vm.prank(member(1));
        fails(FishermanRegistry.NotRegistered.selector);
        registry.withdraw();
        vm.prank(member(1));
        fails(FishermanRegistry.NotRegistered.selector);
        registry.requestExit();
    }

    function test_without_the_wish_to_leave_nothing_leaves() public {
        pass(365 days);
        vm.prank(member(1));
        fails(FishermanRegistry.ExitNotOver.selector);
        registry.withdraw();
    }

    function test_who_leaves_before_activity_never_counts() public {
        join(newcomer, 400 * TOKEN);
        vm.prank(newcomer);
        registry.requestExit();
        pass(1 days);
        eq(registry.totalWeight(), 4000 * TOKEN, "sum");
        finishLeaving(newcomer);
        join(newcomer, 500 * TOKEN);
        pass(120);
        eq(registry.totalWeight(), 4500 * TOKEN, "counted once after coming back");
    }

    function finishLeaving(address who) internal {
        pass(21 days);
        vm.prank(who);
        registry.withdraw();
    }

    function test_only_the_verifier_takes_from_bonds() public {
        vm.prank(governor);
        fails(FishermanRegistry.OnlyVerifier.selector);
        registry.penalise(member(0), 1, governor);
    }

    function testFuzz_penalise_takes_what_is_there_and_never_reverts(uint256 amount, bool exiting) public {
        amount = bound(amount, 0, 3000 * TOKEN);
        if (exiting) {
            vm.prank(member(2));
            registry.requestExit();
        }
        uint256 total = registry.totalWeight();
        vm.prank(address(verifier));
        uint256 taken = registry.penalise(member(2), amount, treasury);
        eq(taken, amount < 1000 * TOKEN ? amount : 1000 * TOKEN, "taken");
        eq(token.balanceOf(treasury), taken, "moved");
        eq(registry.totalWeight(), exiting ? total : total - taken, "sum follows");
        eq(registry.activeWeightOf(member(2)), exiting ? 0 : 1000 * TOKEN - taken, "weight follows");
    }

    function test_a_penalty_on_what_lies_above_the_cap_leaves_the_weight() public {
        join(newcomer, 1500 * TOKEN);
        pass(120);
        vm.prank(address(verifier));
        registry.penalise(newcomer, 400 * TOKEN, treasury);
        eq(registry.activeWeightOf(newcomer), 1000 * TOKEN, "still the cap");
        eq(registry.totalWeight(), 5000 * TOKEN, "sum");
        vm.prank(address(verifier));
        registry.penalise(newcomer, 200 * TOKEN, treasury);
        eq(registry.totalWeight(), 4900 * TOKEN, "sum");
    }

    function test_a_penalty_before_activity_counts_once() public {
        join(newcomer, 600 * TOKEN);
        vm.prank(address(verifier));
        registry.penalise(newcomer, 100 * TOKEN, treasury);
        eq(registry.totalWeight(), 4000 * TOKEN, "not active");
        pass(120);
        eq(registry.totalWeight(), 4500 * TOKEN, "with what is left");
    }

    function test_a_silent_member_leaves_the_denominator_and_comes_back() public {
        address quiet = member(0);
        vm.prank(quiet);
        registry.anchorHead(1, 5, bytes32("a"));
        pass(3 days);
        fails(FishermanRegistry.NotSilent.selector);
        registry.markSilent(quiet);
        pass(1);
        registry.markSilent(quiet);
        eq(registry.totalWeight(), 3000 * TOKEN, "three of a thousand");
        eq(registry.activeWeightOf(quiet), 0, "none of its own");
        fails(FishermanRegistry.NotSilent.selector);
        registry.markSilent(quiet);
        vm.startPrank(quiet);
        fails(FishermanRegistry.HeadNotGrown.selector);
        registry.anchorHead(1, 5, bytes32("b"));
        fails(FishermanRegistry.HeadNotGrown.selector);
        registry.anchorHead(0, 6, bytes32("b"));
        registry.anchorHead(1, 6, bytes32("b"));
        vm.stopPrank();
        eq(registry.totalWeight(), 3000 * TOKEN, "not at once");
        pass(120);
        eq(registry.totalWeight(), 4000 * TOKEN, "again");
        eq(registry.activeWeightOf(quiet), 1000 * TOKEN, "its own");
    }

    function test_only_members_anchor_and_only_they_are_silent() public {
        vm.prank(stranger);
        fails(FishermanRegistry.NotRegistered.selector);
        registry.anchorHead(1, 1, bytes32("a"));
        pass(30 days);
        fails(FishermanRegistry.NotSilent.selector);
        registry.markSilent(stranger);
        vm.prank(member(1));
        registry.requestExit();
        fails(FishermanRegistry.NotSilent.selector);
        registry.markSilent(member(1));
    }

    function test_leaving_in_silence_brings_back_no_weight() public {
        pass(3 days + 1);
        registry.markSilent(member(0));
        vm.startPrank(member(0));
        registry.requestExit();
        registry.anchorHead(1, 1, bytes32("a"));
        vm.stopPrank();
        pass(1 days);
        eq(registry.totalWeight(), 3000 * TOKEN, "the others");
    }
}
